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
  return (await cache.match(PLAN, { ignoreVary: true })) || Response.error();
}

self.addEventListener("install", (event) => event.waitUntil(fresh().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const address = event.request.url.split(/[?#]/)[0];
  if (event.request.mode === "navigate" && address === PLAN) event.respondWith(fresh().catch(kept));
});
