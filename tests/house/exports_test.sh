#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the shared libraries in DIRECTORY show: the API of include/ under the versions of cmake/anew.map.in, and nothing else.
#
#   tests/house/exports_test.sh DIRECTORY VERSION SOVERSION    VERSION: 1.2.3
set -euo pipefail
IFS=. read -r major minor patch <<< "$2"
cxx=ANEW_CXX_${major}_${minor}
private=ANEW_PRIVATE_${major}_${minor}_${patch}
source=$(dirname "$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")")
cd "$1"
status=0
wrong() { # wrong WORDS LINES: a rule, and what breaks it, if there is anything
  [ -z "$2" ] || { printf '%s:\n%s\n' "$1" "$2"; status=1; }
}
exported() { nm --dynamic --defined-only --with-symbol-versions "$1" | awk '$2 != "A" { print $3 }'; } # NAME@@VERSION

libraries=(libanew.so)
for library in libanew_substrate.so libanew_wasi.so; do [ ! -e $library ] || libraries+=($library); done
for library in "${libraries[@]}"; do
  readelf --dynamic $library | grep --quiet "SONAME.*\[$library\.$3\]" || wrong "$library has another SONAME than" "$library.$3"
  symbols=$(exported $library | c++filt)
  wrong "$library shows symbols that have another version than ANEW_1, $cxx or $private" \
        "$(grep -vE "@@(ANEW_1|$cxx|$private)\$" <<< "$symbols" || true)"
  wrong "$library shows what is not Anew's" \
        "$(grep -vE '^((typeinfo (name )?for |vtable for |guard variable for )?anew::|anew_|wasm_|__jit_debug_)' <<< "$symbols" || true)"
  wrong "$library calls itself through the dynamic linker" \
        "$(comm -12 <(exported $library | sed 's/@.*//' | sort) \
                    <(readelf --relocs --wide $library | awk '$3 == "R_X86_64_JUMP_SLOT" || $3 == "R_X86_64_JUMP_SLO" { sub(/@.*/, "", $5); print $5 }' | sort) | c++filt)"
  wrong "$library lacks what nothing that it needs has" "$(ldd -r $library 2>&1 | grep -i 'undefined\|not found' || true)"
done

symbols=$(exported libanew.so | c++filt)
declared=$(cat "$source"/include/anew.h "$source"/include/anew_component.h $(find "$source/include/anew" -name '*.h') |
           tr '\n' ' ' | grep -oE '(ANEW_C_API|WASM_API_EXTERN)[^;(]*\b(anew|wasm)_[a-z0-9_]+ ?\(' | grep -oE '(anew|wasm)_[a-z0-9_]+ ?\($' | tr -d ' (' | sort --unique)
wrong "functions of the C API that libanew.so does not show" \
      "$(comm -23 <(echo "$declared") <(sed -n 's/@@ANEW_1$//p' <<< "$symbols" | sort))"
wrong "symbols of the C API's version that are none of its functions" \
      "$(sed -n 's/@@ANEW_1$//p' <<< "$symbols" | grep -vE '^((anew|wasm)_|__jit_debug_)' || true)"
# What lies in the namespace itself, and not in one of the library's own folders, is declared in include/.
wrong "parts of the C++ API that are hidden: write ANEW_API" \
      "$(readelf --symbols --wide libanew.a 2> /dev/null | awk '$4 == "FUNC" && $5 == "GLOBAL" && $6 == "HIDDEN" && $7 != "UND" { print $8 }' |
         c++filt | grep -E '^anew::([A-Z][A-Za-z]*::|[a-z_]+\()' || true)"
# A symbol for the other libraries alone is one that they need, or a member of a class of which they need another: else it
# is hidden, or an embedder's code needs it.
of_class() { sed -E 's/(::[A-Z][A-Za-z]*)::[^(]*\(.*$/\1/' | sort --unique; }
needed=$(for library in "${libraries[@]:1}"; do
           nm --dynamic --undefined-only --with-symbol-versions $library | awk '{ print $2 }' | sed 's/@.*//'; done | c++filt | of_class)
wrong "symbols of $private that no other library needs: without ANEW_DETAIL_API they are hidden" \
      "$([ ${#libraries[@]} -lt 3 ] || comm -23 <(sed -n "s/@@${private}\$//p" <<< "$symbols" | grep '^anew' | of_class) <(echo "$needed"))"
wrong "symbols of folders that are no part of the API, under $cxx: add them to $private in cmake/anew.map.in" \
      "$(grep -E '^anew::(abi|artifact|codegen|os|pool|reset|runtime|wasm)::.*@@ANEW_CXX' <<< "$symbols" || true)"
exit $status
