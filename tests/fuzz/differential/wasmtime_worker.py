# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs modules in Wasmtime, its NaNs made canonical, as worker.cpp runs them in Anew: the same requests, the same text
in answer. See protocol.hpp; v8.mjs is the same for V8. Needs the package wasmtime (scripts/fetch-wasmtime)."""

import json
import struct
import sys

import wasmtime
from wasmtime import FuncType, Linker, Module, Store, Trap, TrapCode, ValType, WasmtimeError

I32 = [0, 1, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 31, 32, 33, 0xFF, 0x8000, 0xFFFF8000, 0x12345678, 4, 100, 65535, 65536]
I64 = [0, 1, 0xFFFFFFFFFFFFFFFF, 0x8000000000000000, 0x7FFFFFFFFFFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 63, 64,
       0x123456789ABCDEF, 0xFFFFFFFF80000000, 10, 0xFF, 0x10000, 0xFEDCBA9876543210]
F32 = [0, 0x80000000, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x4F000000, 0xCF000000, 0x5F000000, 1,
       0x3F000000, 0x40200000, 0x4F800000, 0x501502F9, 0xC2280000]
F64 = [0, 0x8000000000000000, 0x3FF0000000000000, 0xBFF0000000000000, 0x7FF0000000000000, 0xFFF0000000000000,
       0x7FF8000000000000, 0x41E0000000000000, 0xC1E0000000200000, 0x43E0000000000000, 1, 0x3FE0000000000000,
       0x4004000000000000, 0x41F0000000000000, 0x3FB999999999999A, 0xC045000000000000]
MASK = (1 << 64) - 1


class Extern:
    def __init__(self, number):
        self.number = number


EXTERNS = [Extern(number) for number in range(16)]


class HostError(Exception):
    pass


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def f32(value):
    return struct.unpack("<f", struct.pack("<I", value))[0]


def f64(value):
    return struct.unpack("<d", struct.pack("<Q", value))[0]


def bits(letter, value):
    """NaNs are one, and references to functions are null or not."""
    if letter == "i":
        return value & 0xFFFFFFFF
    if letter == "I":
        return value & MASK
    if letter == "f":
        return 0x7FC00000 if value != value else struct.unpack("<I", struct.pack("<f", value))[0]
    if letter == "F":
        return 0x7FF8000000000000 if value != value else struct.unpack("<Q", struct.pack("<d", value))[0]
    if letter == "a":
        return 0 if value is None else 1
    return 0 if value is None else value.number


def argument(letter, q):
    if letter == "i":
        return signed(I32[q], 32)
    if letter == "I":
        return signed(I64[q], 64)
    if letter == "f":
        return f32(F32[q])
    if letter == "F":
        return f64(F64[q])
    return EXTERNS[q] if letter == "x" and q & 1 else None


def result(letter, value):
    if letter == "i":
        return signed(value, 32)
    if letter == "I":
        return signed(value, 64)
    if letter == "f":
        return float(signed(value, 16))
    if letter == "F":
        return float(signed(value, 32))
    return EXTERNS[value & 15] if letter == "x" and value & 1 else None


def pick(j, k, p):
    h = (j * 31 + k * 7 + p * 13 + 1) * 0x9E3779B1 & 0xFFFFFFFF
    h = (h ^ h >> 15) * 0x85EBCA77 & 0xFFFFFFFF
    return h >> 16 & 15


TRAPS = {
    TrapCode.STACK_OVERFLOW: "stack",
    TrapCode.MEMORY_OUT_OF_BOUNDS: "memory",
    TrapCode.HEAP_MISALIGNED: "unaligned",
    TrapCode.TABLE_OUT_OF_BOUNDS: "table",
    TrapCode.INDIRECT_CALL_TO_NULL: "signature",
    TrapCode.BAD_SIGNATURE: "signature",
    TrapCode.INTEGER_OVERFLOW: "number",
    TrapCode.BAD_CONVERSION_TO_INTEGER: "number",
    TrapCode.INTEGER_DIVISION_BY_ZERO: "division",
    TrapCode.UNREACHABLE: "unreachable",
    TrapCode.NULL_REFERENCE: "null",
}


def trap(error):
    if isinstance(error, HostError):
        return "host"
    if isinstance(error, Trap) and error.trap_code in TRAPS:
        return TRAPS[error.trap_code]
    text = str(error).replace("\n", " ")
    return "exception" if "exception" in text else "? " + text


def make_engine():
    config = wasmtime.Config()
    config.cranelift_nan_canonicalization = True
    config.parallel_compilation = False
    for feature in ["tail_call", "multi_memory", "memory64", "relaxed_simd", "function_references", "exceptions",
                    "wide_arithmetic"]:
        setattr(config, "wasm_" + feature, True)
    return wasmtime.Engine(config)


TYPES = {"i": ValType.i32, "I": ValType.i64, "f": ValType.f32, "F": ValType.f64, "a": ValType.funcref,
         "x": ValType.externref}


class Run:
    def __init__(self, module, plan):
        self.module = module
        self.plan = plan
        self.out = ["accepted"]
        self.exports = None

    def define(self, linker, index, parameters, results):
        def host(*values):
            hashed = 17 + index
            for letter, value in zip(parameters, values):
                hashed = hashed * 31 + bits(letter, value) & MASK
            self.count += 1
            self.hash = self.hash * 31 + hashed & MASK
            if self.plan["host_fails"] and hashed & 63 == 13:
                raise HostError()
            given = [result(letter, hashed + i & MASK) for i, letter in enumerate(results)]
            return None if not given else given[0] if len(given) == 1 else given

        kind = FuncType([TYPES[each]() for each in parameters], [TYPES[each]() for each in results])
        linker.define_func("host", str(index), kind, host)

    def fresh(self):
        self.count = self.hash = 0
        self.store = Store(self.module.engine)
        linker = Linker(self.module.engine)
        for index, (parameters, results) in enumerate(self.plan["imports"]):
            self.define(linker, index, parameters, results)
        try:
            self.exports = linker.instantiate(self.store, self.module.module).exports(self.store)
        except (Trap, WasmtimeError, HostError) as error:
            self.out.append("instantiate trap " + trap(error))
            return False
        return True

    def call(self, j, k):
        name, parameters, results = self.plan["calls"][j]
        if "refuel" in self.exports:
            self.exports["refuel"](self.store)
        try:
            values = self.exports[name](self.store, *(argument(each, pick(j, k, p)) for p, each in enumerate(parameters)))
        except (Trap, WasmtimeError, HostError) as error:
            self.out.append(f"call {name} {k} trap {trap(error)}")
            return False
        if len(results) == 1:
            values = [values]
        text = "".join(f" {bits(letter, value):016x}" for letter, value in zip(results, values or []))
        self.out.append(f"call {name} {k}{text}")
        return True

    def observe(self):
        line = "state"
        for name in self.plan["observers"]:
            line += f" {name}={self.exports[name](self.store) & MASK:016x}"
        self.out.append(f"{line} host={self.count}:{self.hash:016x}")

    def text(self):
        calls = range(len(self.plan["calls"]))
        for j in calls:
            self.out.append(f"segment {j}")
            if not self.fresh():
                return self.out
            for k in range(3):
                if not self.call(j, k):
                    break
            self.observe()
        self.out.append("segment all")
        alive = False
        for j in calls:
            if not alive and not self.fresh():
                return self.out
            alive = self.call(j, 3)
            if not alive:
                self.observe()
        if alive:
            self.observe()
        return self.out


class Compiled:
    def __init__(self, engine, binary):
        self.engine = engine
        self.module = Module(engine, binary)


def find_plan(binary):
    """The payload of the custom section "anew.plan", or nothing. The module is known to be well-formed."""
    at = 8

    def leb():
        nonlocal at
        value = shift = 0
        while True:
            byte = binary[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(binary):
        custom = binary[at] == 0
        at += 1
        size = leb()
        if custom and binary[at:at + 10] == b"\x09anew.plan":
            return binary[at + 10:at + size]
        at += size
    return None


def answer(engine, binary):
    try:
        module = Compiled(engine, binary)
    except WasmtimeError as error:
        return "rejected\n# " + str(error).replace("\n", "\n# ") + "\n"
    plan = find_plan(binary)
    try:
        lines = ["accepted"] if plan is None else Run(module, json.loads(plan)).text()
    except Exception as error:  # whatever it is, the fuzzer says it
        return "failed\n# " + repr(error).replace("\n", "\n# ") + "\n"
    return "\n".join(lines) + "\n"


def main():
    engine = make_engine()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while len(header := requests.read(8)) == 8:
        length, _ = struct.unpack("<II", header)  # the second: which of Anew's settings to use
        text = answer(engine, requests.read(length)).encode()
        answers.write(struct.pack("<I", len(text)) + text)
        answers.flush()


main()
