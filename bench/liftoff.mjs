// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// V8's side of anew_bench_liftoff (guest.hpp): reads requests from standard input, a line of JSON each, and answers each
// with a line. It waits for nothing else, so between two requests this process does nothing.
import { readFileSync, readSync, writeSync } from 'node:fs';

let exported;

// Processor time, of all threads: what other processes do meanwhile does not count.
function timed(action) {
  const start = process.cpuUsage();
  const value = action();
  const { user, system } = process.cpuUsage(start);
  return { value, ns: 1000 * (user + system) };
}

const requests = {
  version: () => ({ node: process.version, v8: process.versions.v8 }),

  compile({ path }) {
    const bytes = readFileSync(path);
    globalThis.gc?.();
    return { ns: timed(() => new WebAssembly.Module(bytes)).ns };
  },

  load({ path, memory, answers }) {
    const module = new WebAssembly.Module(readFileSync(path));
    const imports = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      imports[from] ??= {};
      if (kind === 'memory') {
        imports[from][name] = new WebAssembly.Memory(memory);
      } else {
        imports[from][name] = () => {
          if (!(name in answers)) throw new Error(`not implemented: ${name}`);
          return answers[name];
        };
      }
    }
    exported = { memory: imports.env?.memory, ...new WebAssembly.Instance(module, imports).exports };
    return {};
  },

  call({ name, args, times }) {
    const f = exported[name];
    const { value, ns } = timed(() => {
      for (let i = 1; i < times; ++i) f(...args);
      return f(...args);
    });
    return { ns, result: (value ?? 0) >>> 0 };
  },

  write({ address, hex }) {
    Buffer.from(exported.memory.buffer).write(hex, address, 'hex');
    return {};
  },

  read: ({ address, bytes }) => ({ hex: Buffer.from(exported.memory.buffer, address, bytes).toString('hex') }),

  grow({ pages }) {
    exported.memory.grow(pages);
    return {};
  },
};

const chunk = Buffer.alloc(1 << 16);
let pending = '';
for (;;) {
  const bytes = readSync(0, chunk);
  if (bytes === 0) break;
  pending += chunk.toString('latin1', 0, bytes);
  for (let end; (end = pending.indexOf('\n')) >= 0; pending = pending.slice(end + 1)) {
    let answer;
    try {
      const request = JSON.parse(pending.slice(0, end));
      answer = requests[request.request](request);
    } catch (error) {
      answer = { error: `${error}` };
    }
    writeSync(1, `${JSON.stringify(answer)}\n`);
  }
}
