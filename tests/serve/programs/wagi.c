// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A program that is served: the request's path says what it does.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static int counter = 0;

static int is(const char* path) { return strcmp(getenv("PATH_INFO"), path) == 0; }

static void head(void) { fputs("Content-Type: text/plain\n\n", stdout); }

int main(void) {
  if (is("/hello")) {
    head();
    puts("hello");
  } else if (is("/environment")) {
    head();
    for (char** each = environ; *each != NULL; ++each) puts(*each);
  } else if (is("/counter")) {
    head();
    printf("%d\n", ++counter);
  } else if (is("/echo")) {
    head();
    static char bytes[10000];
    for (ssize_t count; (count = read(0, bytes, sizeof bytes)) > 0;) fwrite(bytes, 1, (size_t)count, stdout);
  } else if (is("/length")) {
    // All of the body, before there is any response.
    static char bytes[1000];
    size_t size = 0;
    for (ssize_t count; (count = read(0, bytes, sizeof bytes)) > 0;) size += (size_t)count;
    head();
    printf("%zu\n", size);
  } else if (is("/spin")) {
    for (volatile int i = 0;; i = i + 1) {
    }
  } else if (is("/spin-behind-the-head")) {
    head();
    puts("so far");
    fflush(stdout);
    for (volatile int i = 0;; i = i + 1) {
    }
  } else if (is("/trap")) {
    head();
    puts("lost");
    fflush(stdout);
    __builtin_trap();
  } else if (is("/trap-far-behind-the-head")) {
    head();
    static char bytes[100000];
    memset(bytes, 'x', sizeof bytes);
    fwrite(bytes, 1, sizeof bytes, stdout);
    fflush(stdout);
    __builtin_trap();
  } else if (is("/exit")) {
    head();
    fflush(stdout);
    exit(3);
  } else if (is("/sleep")) {
    const struct timespec time = {0, 300 * 1000 * 1000};
    nanosleep(&time, NULL);
    head();
    puts("slept");
  } else if (is("/silent")) {
  } else if (is("/no-head")) {
    puts("this is no header\n");
  } else if (is("/status")) {
    fputs("Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nnothing here\n", stdout);
  } else if (is("/location")) {
    fputs("Location: /hello\n\n", stdout);
  } else if (is("/split")) {
    fputs("X-Evil: a\rSet-Cookie: b\n\n", stdout);
  } else if (is("/short")) {
    fputs("Content-Length: 100\n\nshort", stdout);
  } else if (is("/long")) {
    fputs("Content-Length: 3\n\ntoo long", stdout);
  } else if (is("/connection")) {
    fputs("Connection: close\nTransfer-Encoding: gzip\nContent-Length: 2\n\nok", stdout);
  } else if (is("/big")) {
    head();
    const long count = atol(getenv("QUERY_STRING"));
    for (long i = 0; i < count; ++i) printf("%015ld\n", i);
  } else if (is("/event")) {
    head();
    puts("first");
    fflush(stdout);
    char byte;
    read(0, &byte, 1);  // until the client sends what it does once it has the first
    puts("second");
  } else {
    fputs("Status: 404\n\n", stdout);
  }
  return 0;
}
