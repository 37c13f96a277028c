// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! As much of JSON as the runner reads: strings, numbers, lists and objects, in the order given.
use std::fmt::{self, Display, Formatter, Write};

pub enum Json {
    Text(String),
    Number(u64),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::Text(text.to_string())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Json::Text(text)
    }
}

impl Json {
    /// The object with one more member, if there is a value for it.
    pub fn with(mut self, key: &'static str, value: Option<impl Into<Json>>) -> Self {
        if let (Json::Object(members), Some(value)) = (&mut self, value) {
            members.push((key, value.into()));
        }
        self
    }
}

fn write_text(text: &str, out: &mut Formatter<'_>) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(out, "\\{character}")?,
            // Controls must be escaped; the rest are so that a reader of the file sees what a name holds.
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{206f}' | '\u{feff}' => {
                write!(out, "\\u{:04x}", u32::from(character))?;
            }
            _ => out.write_char(character)?,
        }
    }
    out.write_char('"')
}

impl Display for Json {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Json::Text(text) => write_text(text, out),
            Json::Number(number) => write!(out, "{number}"),
            Json::List(items) => {
                out.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    write!(out, "{}{item}", if index == 0 { "" } else { "," })?;
                }
                out.write_char(']')
            }
            Json::Object(members) => {
                out.write_char('{')?;
                for (index, (key, value)) in members.iter().enumerate() {
                    write!(out, "{}\"{key}\":{value}", if index == 0 { "" } else { "," })?;
                }
                out.write_char('}')
            }
        }
    }
}
