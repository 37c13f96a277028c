// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package anew

// #include "glue.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// EngineOptions are settings of an [Engine]. What is zero has its default.
type EngineOptions struct {
	CompileThreads      uint32 // for one module; 0: all cores
	NoCache             bool   // keep no compiled modules on disk
	CacheDirectory      string // "": $ANEW_CACHE_DIR, else $XDG_CACHE_HOME/anew, else ~/.cache/anew
	CacheBytes          uint64 // the cache keeps at most this much on disk; 0: 1 GiB
	MaximumCompileBytes uint64 // memory that compiling one module may take; 0: 4 GiB
	StackBytes          uint64 // of a guest stack: a multiple of 4096 from 16 KiB to 4 GiB; 0: 1 MiB
	Features            string // proposals to WebAssembly that modules may use, such as "2.0" or "all,-simd"; "": all
}

// Engine has compiler settings, the code cache, and what all modules share.
type Engine struct {
	raw *C.anew_engine_t
	_   own
}

// NewEngine makes an engine; nil: with the default options. It fails with [Argument] for bad options.
func NewEngine(options *EngineOptions) (*Engine, error) {
	if options == nil {
		options = &EngineOptions{}
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	raw := C.anew_engine_options_t{
		struct_size:           C.sizeof_anew_engine_options_t,
		compile_threads:       C.uint32_t(options.CompileThreads),
		no_cache:              C.bool(options.NoCache),
		cache_directory:       textIn(&pinner, options.CacheDirectory),
		cache_bytes:           C.uint64_t(options.CacheBytes),
		maximum_compile_bytes: C.uint64_t(options.MaximumCompileBytes),
		stack_bytes:           C.uint64_t(options.StackBytes),
		features:              textIn(&pinner, options.Features),
	}
	engine := &Engine{}
	if err := plainResult(C.anew_engine_new(&raw, &engine.raw)); err != nil {
		return nil, err
	}
	runtime.AddCleanup(engine, func(raw *C.anew_engine_t) { C.anew_engine_delete(raw) }, engine.raw)
	return engine, nil
}

// Ledger tells a reset which pages of memory a call has written; docs/ledgers.md compares them.
type Ledger uint32

// The ledgers.
const (
	LedgerAuto    Ledger = C.ANEW_LEDGER_AUTO    // LedgerCards; for a file of code without marks one of the others
	LedgerCards   Ledger = C.ANEW_LEDGER_CARDS   // the compiled code marks what it writes
	LedgerPagemap Ledger = C.ANEW_LEDGER_PAGEMAP // the kernel is asked which pages were written
	LedgerCow     Ledger = C.ANEW_LEDGER_COW     // all pages that are the instance's own are given back
)

// Tier is how much work is put into code.
type Tier uint32

// The tiers.
const (
	TierQuick     Tier = C.ANEW_TIER_QUICK     // one pass, as fast as the module can be read
	TierAuto      Tier = C.ANEW_TIER_AUTO      // and functions that run long again with LLVM, while the module runs
	TierOptimized Tier = C.ANEW_TIER_OPTIMIZED // and every function so, before a module is returned
)

// CompileOptions change a module's machine code. What is zero has its default.
type CompileOptions struct {
	CardBytes      uint32 // 512, 1024, 2048 or 4096; 0: chosen by the size of the module's memory
	Ledger         Ledger
	ExplicitBounds bool   // compare every access with the memory's size: for modules that grow it in every call
	Fuel           bool   // count what is executed: see Lease.SetFuel
	CanonicalNaN   bool   // NaNs that operators make have the same bits on every machine
	StackLimit     uint32 // how deep calls may nest, in units that the module determines; 0: where the stack ends
	Tier           Tier   // how much work is put into the code
}

func (options *CompileOptions) raw() *C.anew_compile_options_t {
	if options == nil {
		return nil
	}
	return &C.anew_compile_options_t{
		struct_size:     C.sizeof_anew_compile_options_t,
		card_bytes:      C.uint32_t(options.CardBytes),
		ledger:          C.anew_ledger_t(options.Ledger),
		explicit_bounds: C.bool(options.ExplicitBounds),
		fuel:            C.bool(options.Fuel),
		canonical_nan:   C.bool(options.CanonicalNaN),
		stack_limit:     C.uint32_t(options.StackLimit),
		tier:            C.anew_tier_t(options.Tier),
	}
}

// CodeHash is BLAKE2b-256 of a binary, by which a [PoolCache] finds pools.
func CodeHash(code []byte) (hash [32]byte, err error) {
	data, size := bytesOf(code)
	err = plainResult(C.anew_code_hash(data, size, (*C.uint8_t)(unsafe.Pointer(&hash))))
	return hash, err
}

// Module is decoded, validated, compiled code. It is immutable.
type Module struct {
	raw *C.anew_module_t
	_   own
}

func newModule(raw *C.anew_module_t) *Module {
	module := &Module{raw: raw}
	runtime.AddCleanup(module, func(raw *C.anew_module_t) { C.anew_module_delete(raw) }, raw)
	return module
}

// Compile compiles a binary, or takes it from the code cache; options may be nil. It fails with [Malformed], [Invalid],
// [Unsupported] or [Limit], with an offset; [Argument] for bad options; [Resource].
func (engine *Engine) Compile(binary []byte, options *CompileOptions) (*Module, error) {
	var raw *C.anew_module_t
	data, size := bytesOf(binary)
	err := plainResult(C.anew_engine_compile(engine.raw, data, size, options.raw(), &raw))
	runtime.KeepAlive(engine)
	if err != nil {
		return nil, err
	}
	return newModule(raw), nil
}

// Load reads a file: a binary, compiled code that [Engine.Save] wrote, or a snapshot that [Pool.SaveSnapshot] wrote. The
// content decides which it is, and is checked. It fails as Compile does, and with [NotFound], [IO], [Artifact].
func (engine *Engine) Load(path string, options *CompileOptions) (*Module, error) {
	var raw *C.anew_module_t
	data, size := textOf(path)
	err := plainResult(C.anew_engine_load(engine.raw, data, size, options.raw(), &raw))
	runtime.KeepAlive(engine)
	if err != nil {
		return nil, err
	}
	return newModule(raw), nil
}

// Save writes a compiled module to a file, atomically. It fails with [IO], and [Unsupported] for a module from a snapshot
// file.
func (engine *Engine) Save(module *Module, path string) error {
	data, size := textOf(path)
	err := plainResult(C.anew_engine_save(engine.raw, module.raw, data, size))
	runtime.KeepAlive(engine)
	runtime.KeepAlive(module)
	return err
}

// Kind is what an import or export is.
type Kind uint32

// The kinds.
const (
	KindFunction Kind = C.ANEW_FUNCTION
	KindTable    Kind = C.ANEW_TABLE
	KindMemory   Kind = C.ANEW_MEMORY
	KindGlobal   Kind = C.ANEW_GLOBAL
	KindTag      Kind = C.ANEW_TAG
)

// Item is an import or an export.
type Item struct {
	Module   string // of an import: the module that it names
	Name     string
	Kind     Kind
	Type     string       // as text, such as "[i32] -> []"
	Function FunctionType // of a function or tag
}

// Imports are what the module wants from a [Linker], in the order of the binary.
func (module *Module) Imports() []Item {
	defer runtime.KeepAlive(module)
	items := make([]Item, C.anew_module_import_count(module.raw))
	for index := range items {
		raw := C.anew_item_t{struct_size: C.sizeof_anew_item_t}
		items[index] = goItem(&raw, C.anew_module_import(module.raw, C.size_t(index), &raw))
	}
	return items
}

// Exports are what the module gives, in the order of the binary.
func (module *Module) Exports() []Item {
	defer runtime.KeepAlive(module)
	items := make([]Item, C.anew_module_export_count(module.raw))
	for index := range items {
		raw := C.anew_item_t{struct_size: C.sizeof_anew_item_t}
		items[index] = goItem(&raw, C.anew_module_export(module.raw, C.size_t(index), &raw))
	}
	return items
}

func goItem(raw *C.anew_item_t, err *C.anew_error_t) Item {
	if err != nil {
		panic(takeError(err)) // it fails for null, or for want of memory
	}
	return Item{
		Module:   goText(raw.module, raw.module_size),
		Name:     goText(raw.name, raw.name_size),
		Kind:     Kind(raw.kind),
		Type:     C.GoString(raw._type),
		Function: goType(&raw.function),
	}
}

// Features are the proposals to WebAssembly that it needs, as a list that [EngineOptions] takes.
func (module *Module) Features() string {
	defer runtime.KeepAlive(module)
	return C.GoString(C.anew_module_features(module.raw))
}

// Ledger is what tells its resets what a call wrote, never [LedgerAuto], and why it is that one, in words.
func (module *Module) Ledger() (ledger Ledger, reason string) {
	defer runtime.KeepAlive(module)
	return Ledger(C.anew_module_ledger(module.raw)), C.GoString(C.anew_module_ledger_reason(module.raw))
}

// CodeHash is BLAKE2b-256 of the binary, as the function [CodeHash] computes it.
func (module *Module) CodeHash() (hash [32]byte) {
	defer runtime.KeepAlive(module)
	if err := C.anew_module_code_hash(module.raw, (*C.uint8_t)(unsafe.Pointer(&hash))); err != nil {
		panic(takeError(err)) // a module has its hash
	}
	return hash
}

// FromCache says whether the machine code came from the code cache; note, why the cache was not used or not written, if so.
func (module *Module) FromCache() (from bool, note string) {
	defer runtime.KeepAlive(module)
	return bool(C.anew_module_from_cache(module.raw)), C.GoString(C.anew_module_cache_note(module.raw))
}

// OptimizedFunctions tells how many functions have optimized code by now.
func (module *Module) OptimizedFunctions() uint32 {
	defer runtime.KeepAlive(module)
	return uint32(C.anew_module_optimized_functions(module.raw))
}
