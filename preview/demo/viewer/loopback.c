/* Preloaded into Debian's Orthanc 1.10, for two things that it has no option for. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/socket.h>

#define STACK (8u << 20)

typedef int (*bind_function)(int, const struct sockaddr *, socklen_t);
typedef int (*stack_function)(pthread_attr_t *, size_t);

/* The address it listens on: any becomes 127.0.0.1. */
int bind(int handle, const struct sockaddr *address, socklen_t length) {
  bind_function real = (bind_function)dlsym(RTLD_NEXT, "bind");
  if (address->sa_family == AF_INET) {
    struct sockaddr_in local = *(const struct sockaddr_in *)address;
    if (local.sin_addr.s_addr == INADDR_ANY) local.sin_addr.s_addr = inet_addr("127.0.0.1");
    return real(handle, (struct sockaddr *)&local, sizeof local);
  }
  return real(handle, address, length);
}

/* The stacks of its web server: 100 KiB, and converting an image was seen to reach 292 KiB deep. */
int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size) {
  stack_function real = (stack_function)dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
  return real(attributes, size < STACK ? STACK : size);
}
