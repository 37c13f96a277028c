// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Copies its input to its output in upper case, tells its arguments and environment, and ends with the code that its
// last argument says.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int count, char **arguments) {
  static int calls = 0;
  printf("call %d of %s", ++calls, arguments[0]);
  for (int i = 1; i < count; ++i) printf(" [%s]", arguments[i]);
  printf(" in %s\n", getenv("PLACE") != NULL ? getenv("PLACE") : "no place");
  for (int c = getchar(); c != EOF; c = getchar()) putchar(toupper(c));
  fprintf(stderr, "a word of warning\n");
  const struct timespec wait = {0, 2000000};
  struct timespec begin, end;
  if (clock_gettime(CLOCK_MONOTONIC, &begin) != 0 || nanosleep(&wait, NULL) != 0 ||
      clock_gettime(CLOCK_MONOTONIC, &end) != 0)
    return 100;
  if ((end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec < 2000000) return 101;
  const int code = count > 1 ? atoi(arguments[count - 1]) : 0;
  if (code == 99) __builtin_trap();
  if (code == 3) return 3;
  exit(code);
}
