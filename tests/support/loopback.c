/* Preloaded into Debian's Orthanc 1.10, which has no option for the address it listens on: any becomes 127.0.0.1. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <sys/socket.h>

typedef int (*bind_function)(int, const struct sockaddr *, socklen_t);

int bind(int handle, const struct sockaddr *address, socklen_t length) {
  bind_function real = (bind_function)dlsym(RTLD_NEXT, "bind");
  if (address->sa_family == AF_INET) {
    struct sockaddr_in local = *(const struct sockaddr_in *)address;
    if (local.sin_addr.s_addr == INADDR_ANY) local.sin_addr.s_addr = inet_addr("127.0.0.1");
    return real(handle, (struct sockaddr *)&local, sizeof local);
  }
  return real(handle, address, length);
}
