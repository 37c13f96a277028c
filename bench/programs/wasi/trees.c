// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds and frees binary trees of depth n: malloc, free and pointer chasing.
#include <stdlib.h>

typedef struct Node {
  struct Node *left, *right;
} Node;

static Node* build(int depth) {
  Node* node = malloc(sizeof(Node));
  if (!node) abort();
  node->left = depth > 0 ? build(depth - 1) : 0;
  node->right = depth > 0 ? build(depth - 1) : 0;
  return node;
}
static int count_and_free(Node* node) {
  const int below = node->left ? count_and_free(node->left) + count_and_free(node->right) : 0;
  free(node);
  return below + 1;
}
__attribute__((export_name("run"))) int run(int n) {
  Node* long_lived = build(n);
  int nodes = 0;
  for (int depth = 2; depth < n; depth += 2) {
    for (int i = 0; i < 1 << (n - depth); ++i) nodes += count_and_free(build(depth));
  }
  return nodes + count_and_free(long_lived);
}
