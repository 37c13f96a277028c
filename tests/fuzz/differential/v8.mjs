// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs modules in V8 as worker.cpp runs them in Anew: the same requests, the same text in answer. See protocol.hpp.
import fs from 'node:fs';

const I32 = [0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 31, 32, 33, 0xff, 0x8000, 0xffff8000, 0x12345678, 4, 100, 65535,
  65536];
const I64 = [0n, 1n, 0xffffffffffffffffn, 0x8000000000000000n, 0x7fffffffffffffffn, 0x80000000n, 0xffffffffn,
  0x100000000n, 63n, 64n, 0x123456789abcdefn, 0xffffffff80000000n, 10n, 0xffn, 0x10000n, 0xfedcba9876543210n];
const F32 = [0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x4f000000, 0xcf000000,
  0x5f000000, 0x00000001, 0x3f000000, 0x40200000, 0x4f800000, 0x501502f9, 0xc2280000];
const F64 = [0n, 0x8000000000000000n, 0x3ff0000000000000n, 0xbff0000000000000n, 0x7ff0000000000000n,
  0xfff0000000000000n, 0x7ff8000000000000n, 0x41e0000000000000n, 0xc1e0000000200000n, 0x43e0000000000000n, 1n,
  0x3fe0000000000000n, 0x4004000000000000n, 0x41f0000000000000n, 0x3fb999999999999an, 0xc045000000000000n];
const MASK = (1n << 64n) - 1n;

const view = new DataView(new ArrayBuffer(8));
const f32 = (bits) => (view.setUint32(0, bits), view.getFloat32(0));
const f64 = (bits) => (view.setBigUint64(0, bits), view.getFloat64(0));
const f32Bits = (v) => (Number.isNaN(v) ? 0x7fc00000 : (view.setFloat32(0, v), view.getUint32(0)));
const f64Bits = (v) => (Number.isNaN(v) ? 0x7ff8000000000000n : (view.setFloat64(0, v), view.getBigUint64(0)));
const externs = Array.from({length: 16}, (_, id) => ({id}));

const hex = (bits) => BigInt.asUintN(64, bits).toString(16).padStart(16, '0');

// The bits of a value; NaNs are one, and references to functions are null or not.
function bits(letter, v) {
  switch (letter) {
    case 'i': return BigInt(v >>> 0);
    case 'I': return BigInt.asUintN(64, v);
    case 'f': return BigInt(f32Bits(v));
    case 'F': return f64Bits(v);
    case 'a': return v === null ? 0n : 1n;
    default: return v === null ? 0n : BigInt(v.id);
  }
}

function argument(letter, q) {
  switch (letter) {
    case 'i': return I32[q] | 0;
    case 'I': return I64[q];
    case 'f': return f32(F32[q]);
    case 'F': return f64(F64[q]);
    case 'a': return null;
    default: return q & 1 ? externs[q] : null;
  }
}

function pick(j, k, p) {
  let h = (Math.imul(j, 31) + Math.imul(k, 7) + Math.imul(p, 13) + 1) >>> 0;
  h = Math.imul(h, 0x9E3779B1) >>> 0;
  h = (h ^ (h >>> 15)) >>> 0;
  h = Math.imul(h, 0x85ebca77) >>> 0;
  return (h >>> 16) & 15;
}

class HostError extends Error {}

function trap(error) {
  const text = String(error.message ?? error);
  if (error instanceof HostError) return 'host';
  if (error instanceof RangeError && /call stack/.test(text)) return 'stack';
  if (error instanceof WebAssembly.Exception) return 'exception';
  if (/unreachable/.test(text)) return 'unreachable';
  if (/data segment|memory access|memory initializer/.test(text)) return 'memory';
  if (/signature mismatch/.test(text)) return 'signature';
  if (/table index|table initializer|table access|element segment|out of bounds table/.test(text)) return 'table';
  if (/null pointer|dereferenc|null value/.test(text)) return 'null';
  if (/by zero/.test(text)) return 'division';
  if (/unrepresentable/.test(text)) return 'number';
  if (/unaligned/.test(text)) return 'unaligned';
  return '? ' + text;
}

function run(module) {
  const out = ['accepted'];
  const sections = WebAssembly.Module.customSections(module, 'anew.plan');
  if (sections.length === 0) return out;
  const plan = JSON.parse(new TextDecoder().decode(sections[0]));
  const log = {count: 0n, hash: 0n};
  const host = {};
  plan.imports.forEach(([parameters, results], index) => {
    host[index] = (...values) => {
      let hash = BigInt(17 + index);
      for (let i = 0; i < parameters.length; ++i) hash = (hash * 31n + bits(parameters[i], values[i])) & MASK;
      ++log.count;
      log.hash = (log.hash * 31n + hash) & MASK;
      if (plan.host_fails && (hash & 63n) === 13n) throw new HostError('host');
      const given = [...results].map((letter, i) => {
        const v = BigInt.asUintN(64, hash + BigInt(i));
        switch (letter) {
          case 'i': return Number(v & 0xffffffffn) | 0;
          case 'I': return v;
          case 'f': return Number(BigInt.asIntN(16, v));
          case 'F': return Number(BigInt.asIntN(32, v));
          case 'a': return null;
          default: return v & 1n ? externs[Number(v & 15n)] : null;
        }
      });
      return given.length === 0 ? undefined : given.length === 1 ? given[0] : given;
    };
  });

  let instance = null;  // its exports
  const fresh = () => {
    log.count = log.hash = 0n;
    try {
      instance = new WebAssembly.Instance(module, {host}).exports;
    } catch (error) {
      out.push('instantiate trap ' + trap(error));
      return false;
    }
    return true;
  };
  const call = (j, k) => {
    const [name, parameters, results] = plan.calls[j];
    if (instance.refuel) instance.refuel();
    let line = `call ${name} ${k}`;
    let ok = true;
    try {
      let values = instance[name](...[...parameters].map((letter, p) => argument(letter, pick(j, k, p))));
      if (results.length === 1) values = [values];
      for (let i = 0; i < results.length; ++i) line += ' ' + hex(bits(results[i], values[i]));
    } catch (error) {
      ok = false;
      line += ' trap ' + trap(error);
    }
    out.push(line);
    return ok;
  };
  const observe = () => {
    let line = 'state';
    for (const name of plan.observers) line += ` ${name}=${hex(instance[name]())}`;
    out.push(`${line} host=${log.count}:${hex(log.hash)}`);
  };

  for (let j = 0; j < plan.calls.length; ++j) {
    out.push(`segment ${j}`);
    if (!fresh()) return out;
    for (let k = 0; k < 3 && call(j, k); ++k);
    observe();
  }
  out.push('segment all');
  let alive = false;
  for (let j = 0; j < plan.calls.length; ++j) {
    if (!alive && !fresh()) return out;
    alive = call(j, 3);
    if (!alive) observe();
  }
  if (alive) observe();
  return out;
}

function answer(bytes) {
  let module;
  try {
    module = new WebAssembly.Module(bytes);
  } catch (error) {
    return `rejected\n# ${error.message}\n`;
  }
  try {
    return run(module).join('\n') + '\n';
  } catch (error) {
    return `failed\n# ${error.stack}\n`;
  }
}

function read(length) {
  const buffer = Buffer.allocUnsafe(length);
  for (let at = 0; at < length;) {
    const n = fs.readSync(0, buffer, at, length - at, null);
    if (n === 0) process.exit(0);
    at += n;
  }
  return buffer;
}

function write(buffer) {
  for (let at = 0; at < buffer.length;) at += fs.writeSync(1, buffer, at);
}

for (;;) {
  const length = read(4).readUInt32LE();
  read(4);  // which of Anew's settings to use
  const text = Buffer.from(answer(read(length)));
  const header = Buffer.alloc(4);
  header.writeUInt32LE(text.length);
  write(Buffer.concat([header, text]));
}
