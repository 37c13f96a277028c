// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A shell of SQLite, as small as it can be: sqlite DATABASE [SQL]. Without SQL it is read from standard input. Each row
// is a line, its columns apart by |. scripts/fetch-programs compiles it with SQLite's own source.
#include <stdio.h>
#include <stdlib.h>

#include "sqlite3.h"

static int print_row(void* unused, int columns, char** values, char** names) {
  (void)unused;
  (void)names;
  for (int i = 0; i < columns; ++i) printf("%s%s", i > 0 ? "|" : "", values[i] != NULL ? values[i] : "");
  putchar('\n');
  return 0;
}

/// All of standard input.
static char* read_input(void) {
  size_t size = 0, room = 0, count = 0;
  char* text = NULL;
  do {
    if (size + 1 >= room) {
      room = room * 2 + 4096;
      text = realloc(text, room);
      if (text == NULL) abort();
    }
    count = fread(text + size, 1, room - size - 1, stdin);
    size += count;
  } while (count > 0);
  text[size] = '\0';
  return text;
}

int main(int count, char** arguments) {
  if (count != 2 && count != 3) {
    fprintf(stderr, "sqlite DATABASE [SQL]\n");
    return 64;
  }
  sqlite3* database = NULL;
  char* message = NULL;
  int result = sqlite3_open(arguments[1], &database);
  if (result == SQLITE_OK)
    result = sqlite3_exec(database, count == 3 ? arguments[2] : read_input(), print_row, NULL, &message);
  if (result != SQLITE_OK) {
    fprintf(stderr, "sqlite: %s\n", message != NULL ? message : sqlite3_errmsg(database));
    return 1;
  }
  return sqlite3_close(database) == SQLITE_OK ? 0 : 1;
}
