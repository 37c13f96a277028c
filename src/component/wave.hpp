// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// WAVE, the text of a component's values (crate wasm-wave, README.md): `{name: "Ada", tags: [1, 2], size: some(3)}`.
#pragma once

#include <anew/component/value.hpp>
#include <anew/error.hpp>
#include <string>
#include <string_view>

#include "component/types.hpp"

namespace anew::component {

/// The text of a value that is of the type. It is one line, and nothing in it drives a terminal. All of it reads back
/// but handles, for which WAVE has no words.
[[nodiscard]] std::string to_wave(const Types& types, Type type, const Value& value);

/// The value of a text in UTF-8, which is that and nothing else but spaces and comments. Strings of several lines are
/// not known. @return kArgument, with the column, counted in bytes from 1.
[[nodiscard]] Result<Value> from_wave(const Types& types, Type type, std::string_view text);

}  // namespace anew::component
