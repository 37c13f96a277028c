// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Reads superseded.txt, which lists the commands that later releases of the specification took back.
use std::collections::HashMap;

#[derive(Clone)]
pub struct Superseded {
    /// What comes of the command now.
    pub now: &'static str,
    pub reason: &'static str,
}

/// By line of the script.
pub type Lines = HashMap<u64, Superseded>;

/// By script, such as "2.0/imports".
pub fn read() -> Result<HashMap<String, Lines>, String> {
    let mut scripts: HashMap<String, Lines> = HashMap::new();
    for entry in include_str!("../superseded.txt").lines().filter(|line| !line.starts_with('#')) {
        let malformed = || {
            format!("superseded.txt: expected 'SCRIPT LINE...: valid|invalid|returns|traps: REASON', found '{entry}'")
        };
        let (place, rest) = entry.split_once(": ").ok_or_else(malformed)?;
        let (now, reason) = rest.split_once(": ").ok_or_else(malformed)?;
        if !["valid", "invalid", "returns", "traps"].contains(&now) {
            return Err(malformed());
        }
        let mut words = place.split(' ');
        let script = words.next().ok_or_else(malformed)?;
        for word in words {
            let line = word.parse().map_err(|_| malformed())?;
            scripts.entry(script.to_string()).or_default().insert(line, Superseded { now, reason });
        }
    }
    Ok(scripts)
}
