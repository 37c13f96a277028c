// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! The operators that dense.rs makes expressions of.

/// Operators without immediates but their code: the code, the operands' types, the result's, each as a letter
/// (i32 `i`, i64 `I`, f32 `f`, f64 `F`, v128 `V`). Ranges of codes, both ends included.
#[rustfmt::skip]
pub const SCALAR: &[(u8, u8, &str, char)] = &[
    (0x45, 0x45, "i", 'i'), (0x46, 0x4F, "ii", 'i'), (0x50, 0x50, "I", 'i'), (0x51, 0x5A, "II", 'i'),
    (0x5B, 0x60, "ff", 'i'), (0x61, 0x66, "FF", 'i'), (0x67, 0x69, "i", 'i'), (0x6A, 0x78, "ii", 'i'),
    (0x79, 0x7B, "I", 'I'), (0x7C, 0x8A, "II", 'I'), (0x8B, 0x91, "f", 'f'), (0x92, 0x98, "ff", 'f'),
    (0x99, 0x9F, "F", 'F'), (0xA0, 0xA6, "FF", 'F'), (0xA7, 0xA7, "I", 'i'), (0xA8, 0xA9, "f", 'i'),
    (0xAA, 0xAB, "F", 'i'), (0xAC, 0xAD, "i", 'I'), (0xAE, 0xAF, "f", 'I'), (0xB0, 0xB1, "F", 'I'),
    (0xB2, 0xB3, "i", 'f'), (0xB4, 0xB5, "I", 'f'), (0xB6, 0xB6, "F", 'f'), (0xB7, 0xB8, "i", 'F'),
    (0xB9, 0xBA, "I", 'F'), (0xBB, 0xBB, "f", 'F'), (0xBC, 0xBC, "f", 'i'), (0xBD, 0xBD, "F", 'I'),
    (0xBE, 0xBE, "i", 'f'), (0xBF, 0xBF, "I", 'F'),
];
#[rustfmt::skip]
pub const SIGN_EXTENSION: &[(u8, u8, &str, char)] = &[(0xC0, 0xC1, "i", 'i'), (0xC2, 0xC4, "I", 'I')];
/// Behind the prefix 0xFC.
#[rustfmt::skip]
pub const SATURATING: &[(u8, u8, &str, char)] =
    &[(0, 1, "f", 'i'), (2, 3, "F", 'i'), (4, 5, "f", 'I'), (6, 7, "F", 'I')];
/// Behind the prefix 0xFD.
#[rustfmt::skip]
pub const VECTOR: &[(u8, u8, &str, char)] = &[
    (14, 14, "VV", 'V'), (15, 17, "i", 'V'), (18, 18, "I", 'V'), (19, 19, "f", 'V'), (20, 20, "F", 'V'),
    (35, 76, "VV", 'V'), (77, 77, "V", 'V'), (78, 81, "VV", 'V'), (82, 82, "VVV", 'V'), (83, 83, "V", 'i'),
    (94, 98, "V", 'V'), (99, 100, "V", 'i'), (101, 102, "VV", 'V'), (103, 106, "V", 'V'), (107, 109, "Vi", 'V'),
    (110, 115, "VV", 'V'), (116, 117, "V", 'V'), (118, 121, "VV", 'V'), (122, 122, "V", 'V'), (123, 123, "VV", 'V'),
    (124, 129, "V", 'V'), (130, 130, "VV", 'V'), (131, 132, "V", 'i'), (133, 134, "VV", 'V'), (135, 138, "V", 'V'),
    (139, 141, "Vi", 'V'), (142, 147, "VV", 'V'), (148, 148, "V", 'V'), (149, 153, "VV", 'V'), (155, 159, "VV", 'V'),
    (160, 161, "V", 'V'), (163, 164, "V", 'i'), (167, 170, "V", 'V'), (171, 173, "Vi", 'V'), (174, 174, "VV", 'V'),
    (177, 177, "VV", 'V'), (181, 186, "VV", 'V'), (188, 191, "VV", 'V'), (192, 193, "V", 'V'), (195, 196, "V", 'i'),
    (199, 202, "V", 'V'), (203, 205, "Vi", 'V'), (206, 206, "VV", 'V'), (209, 209, "VV", 'V'), (213, 223, "VV", 'V'),
    (224, 225, "V", 'V'), (227, 227, "V", 'V'), (228, 235, "VV", 'V'), (236, 237, "V", 'V'), (239, 239, "V", 'V'),
    (240, 247, "VV", 'V'), (248, 255, "V", 'V'),
];
/// Extracting and replacing lanes, behind the prefix 0xFD: the code, the number of lanes.
#[rustfmt::skip]
pub const LANES: &[(u8, u8, &str, char)] = &[
    (21, 16, "V", 'i'), (22, 16, "V", 'i'), (23, 16, "Vi", 'V'), (24, 8, "V", 'i'), (25, 8, "V", 'i'),
    (26, 8, "Vi", 'V'), (27, 4, "V", 'i'), (28, 4, "Vi", 'V'), (29, 2, "V", 'I'), (30, 2, "VI", 'V'),
    (31, 4, "V", 'f'), (32, 4, "Vf", 'V'), (33, 2, "V", 'F'), (34, 2, "VF", 'V'),
];
/// Relaxed ones whose results are not the engine's choice do not exist; these are compared only if asked for.
#[rustfmt::skip]
pub const RELAXED: &[(u8, u8, &str, char)] =
    &[(0x00, 0x00, "VV", 'V'), (0x01, 0x04, "V", 'V'), (0x05, 0x0C, "VVV", 'V'), (0x0D, 0x12, "VV", 'V')];
/// Loads and stores: the code, the largest alignment's logarithm, the type.
#[rustfmt::skip]
pub const LOADS: &[(u8, u32, char)] = &[
    (0x28, 2, 'i'), (0x29, 3, 'I'), (0x2A, 2, 'f'), (0x2B, 3, 'F'), (0x2C, 0, 'i'), (0x2D, 0, 'i'), (0x2E, 1, 'i'),
    (0x2F, 1, 'i'), (0x30, 0, 'I'), (0x31, 0, 'I'), (0x32, 1, 'I'), (0x33, 1, 'I'), (0x34, 2, 'I'), (0x35, 2, 'I'),
];
#[rustfmt::skip]
pub const STORES: &[(u8, u32, char)] = &[
    (0x36, 2, 'i'), (0x37, 3, 'I'), (0x38, 2, 'f'), (0x39, 3, 'F'), (0x3A, 0, 'i'), (0x3B, 1, 'i'), (0x3C, 0, 'I'),
    (0x3D, 1, 'I'), (0x3E, 2, 'I'),
];
#[rustfmt::skip]
pub const VECTOR_LOADS: &[(u8, u32)] =
    &[(0, 4), (1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (6, 3), (7, 0), (8, 1), (9, 2), (10, 3), (92, 2), (93, 3)];

/// Of the last operand of operators that look at its lower bits only (0xFF: those of LANES), how many these are.
pub fn bits_that_count(prefix: u8, code: u8) -> Option<u32> {
    match (prefix, code) {
        (0, 0x74..=0x78) => Some(5),
        (0, 0x86..=0x8A) => Some(6),
        (0, 0xC0 | 0xC2) => Some(8),
        (0, 0xC1 | 0xC3) => Some(16),
        (0, 0xA7 | 0xC4) => Some(32),
        (0xFD, 107..=109) => Some(3),
        (0xFD, 139..=141) => Some(4),
        (0xFD, 171..=173) => Some(5),
        (0xFD, 203..=205) => Some(6),
        (0xFD, 15) | (0xFF, 23) => Some(8),
        (0xFD, 16) | (0xFF, 26) => Some(16),
        _ => None,
    }
}

/// Widths of atomic accesses, in the order of the opcodes within each family (load, store, add, sub, and, or, xor, xchg,
/// cmpxchg, from 0xFE 0x10 on): the type, the alignment's logarithm.
pub const ATOMIC_WIDTHS: &[(char, u32)] = &[('i', 2), ('I', 3), ('i', 0), ('i', 1), ('I', 0), ('I', 1), ('I', 2)];
pub const ATOMIC_STORE: u8 = 1;
pub const ATOMIC_CMPXCHG: u8 = 8;

pub fn may_give_nan(prefix: u8, code: u8) -> Option<char> {
    match (prefix, code) {
        (0, 0x8D..=0x97) | (0, 0xB6) => Some('f'),
        (0, 0x9B..=0xA5) | (0, 0xBB) => Some('F'),
        (0xFD, 94 | 103..=106 | 227..=233) => Some('v'), // f32x4
        (0xFD, 95 | 116 | 117 | 122 | 148 | 239..=245) => Some('w'), // f64x2
        (0xFE, 0x05 | 0x06 | 0x0D | 0x0E) => Some('v'),
        (0xFE, 0x07 | 0x08 | 0x0F | 0x10) => Some('w'),
        _ => None,
    }
}
