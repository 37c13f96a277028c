// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The path names no server: a module that uses this one says where it lies, see README.md.
module anew.local/anew

go 1.24
