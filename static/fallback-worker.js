// Keeps one page, the fallback plan, and nothing else: it is shown when the server does not answer in time.
"use strict";
const PLAN = self.registration.scope;
const KEPT = "fallback-plan";
const PATIENCE = 3000;

async function fresh() {
  // Not what a sign-in page or an error says: redirects and failures never replace the plan.
  const response = await fetch(PLAN, { cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error(String(response.status));
  const cache = await caches.open(KEPT);
  await cache.put(PLAN, response.clone());
  return response;
}

async function kept() {
  const cache = await caches.open(KEPT);
  const response = await cache.match(PLAN, { ignoreVary: true });
  return response ? warned(response) : Response.error();
}

// Whether its review is overdue the server says with each answer; of what is kept, nobody else can say it.
async function warned(response) {
  const text = await response.text();
  const due = /<meta name="review-due" content="(\d{4}-\d\d-\d\d)">/.exec(text);
  const now = new Date();
  const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
  const isOverdue = due !== null && due[1] < today;
  const said = isOverdue ? text.replace('<p id="overdue" hidden', '<p id="overdue"') : text;
  return new Response(said, { status: response.status, headers: response.headers });
}

self.addEventListener("install", (event) => event.waitUntil(fresh().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const address = event.request.url.split(/[?#]/)[0];
  if (event.request.mode === "navigate" && address === PLAN) event.respondWith(fresh().catch(kept));
});
