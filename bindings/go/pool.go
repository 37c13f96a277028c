// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package anew

// #include "glue.h"
import "C"

import (
	"runtime"
	"runtime/cgo"
	"time"
	"unsafe"
)

// SnapshotOptions say how the state is made that every instance starts from. For a module from a snapshot file all but
// StartTimeout must be zero.
type SnapshotOptions struct {
	ExtraMemoryPages uint64        // of 64 KiB, added to the initial size of memory 0
	FreezeStart      bool          // a start function that calls the host runs once, not after each reset
	Prelude          []string      // exported functions without parameters to call once, before the snapshot is taken
	StartTimeout     time.Duration // how long the start function, and each of the prelude, may take; 0: 10 s
}

func (options *SnapshotOptions) raw(pinner *runtime.Pinner) *C.anew_snapshot_options_t {
	raw := &C.anew_snapshot_options_t{
		struct_size:        C.sizeof_anew_snapshot_options_t,
		extra_memory_pages: C.uint64_t(options.ExtraMemoryPages),
		freeze_start:       C.bool(options.FreezeStart),
		start_timeout:      nanoseconds(options.StartTimeout),
	}
	if len(options.Prelude) > 0 {
		names := make([]C.anew_text_t, len(options.Prelude))
		for i, name := range options.Prelude {
			names[i] = textIn(pinner, name)
		}
		pinner.Pin(&names[0])
		raw.prelude, raw.prelude_count = &names[0], C.size_t(len(names))
	}
	pinner.Pin(raw)
	return raw
}

// ResetWhen says when an instance that was given back is made as new.
type ResetWhen uint32

// When an instance is made as new.
const (
	ResetAtRelease ResetWhen = C.ANEW_RESET_AT_RELEASE // by whoever gives it back
	ResetAtAcquire ResetWhen = C.ANEW_RESET_AT_ACQUIRE // by whoever takes it next; until then what the call left stays
	ResetByHelper  ResetWhen = C.ANEW_RESET_BY_HELPER  // by a thread of the pool, soon
)

// PoolOptions say how many instances a pool has, and what becomes of them between leases. What is zero has its default.
type PoolOptions struct {
	Capacity              uint32 // instances at most, made when first needed: 1 to 2^20; 0: 16
	MinimumWarm           uint32 // made with the pool; so many are never trimmed or dropped
	Snapshot              SnapshotOptions
	Reset                 ResetWhen
	AuditEvery            uint64        // one reset in so many is compared with an instance made the slow way; 0: none
	IdleTime              time.Duration // instances unused for so long give memory back, and go after twice that; 0: never
	MinimumAvailableBytes uint64        // while the machine has fewer left, idle instances go; 0: never
	MaximumMemoryBytes    uint64        // of all memories and tables of an instance; 0: 8 GiB
}

func (options *PoolOptions) raw(pinner *runtime.Pinner, snapshot *C.anew_snapshot_options_t) *C.anew_pool_options_t {
	raw := &C.anew_pool_options_t{
		struct_size:             C.sizeof_anew_pool_options_t,
		capacity:                C.uint32_t(options.Capacity),
		minimum_warm:            C.uint32_t(options.MinimumWarm),
		snapshot:                snapshot,
		reset:                   C.anew_reset_when_t(options.Reset),
		audit_every:             C.uint64_t(options.AuditEvery),
		idle_time:               nanoseconds(options.IdleTime),
		minimum_available_bytes: C.uint64_t(options.MinimumAvailableBytes),
		maximum_memory_bytes:    C.uint64_t(options.MaximumMemoryBytes),
	}
	pinner.Pin(raw)
	return raw
}

// PoolStatistics are what a pool did so far.
type PoolStatistics struct {
	Instances     uint64 // made so far
	Leased        uint64 // now
	Idle          uint64 // now
	Acquired      uint64 // leases handed out
	Waited        uint64 // calls that had to wait for a lease
	TimedOut      uint64 // of these, in vain
	Restored      uint64 // resets after a lease
	Distrusted    uint64 // leases in which a call trapped or could not begin: restored whole
	Traps         uint64 // of these, those that ended with any trap but Interrupted
	Kills         uint64 // of these, those that ended with Interrupted
	PagesRestored uint64 // of 4 KiB
	Audited       uint64 // resets that were compared
	AuditFailures uint64 // of these, those that differed: a defect of Anew
	Trimmed       uint64 // idle instances whose memory was given back to the system
	Evictions     uint64 // idle instances that were dropped
}

// Pool has instances of one linked module, handed out as leases.
type Pool struct {
	raw *C.anew_pool_t
	_   own
}

func newPool(raw *C.anew_pool_t) *Pool {
	pool := &Pool{raw: raw}
	runtime.AddCleanup(pool, func(raw *C.anew_pool_t) { C.anew_pool_delete(raw) }, raw)
	return pool
}

// NewPool links and instantiates the module once, as the specification says, and keeps the result as the snapshot that
// every instance starts from; options may be nil. It fails with [Link], which names each import that is missing or
// ill-typed; [Trap], [Unsupported], [NotFound] for a prelude that is not exported, [Argument], [Limit], [Resource], [Host].
func NewPool(module *Module, linker *Linker, options *PoolOptions) (*Pool, error) {
	if options == nil {
		options = &PoolOptions{}
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	var raw *C.anew_pool_t
	err := result(C.anew_go_pool_new(module.raw, linker.raw, options.raw(&pinner, options.Snapshot.raw(&pinner)), &raw))
	runtime.KeepAlive(module)
	runtime.KeepAlive(linker)
	if err != nil {
		return nil, err
	}
	return newPool(raw), nil
}

// Acquire leases an instance as new. It never waits for a lease to be given back. It fails with [Resource] if all are
// leased, no more can be made or the pool is closed, and with what the start function fails with, if that runs each time.
func (pool *Pool) Acquire() (*Lease, error) {
	lease := &Lease{}
	err := result(C.anew_go_acquire(pool.raw, &lease.raw))
	return lease.acquired(pool, err)
}

// AcquireUntil is the same, but waits until then for an instance to be given back; those that wait are served in the order
// in which they came. The zero time: as long as it takes. Not from a host function of the pool's own guests: all may be
// waiting then.
func (pool *Pool) AcquireUntil(deadline time.Time) (*Lease, error) {
	lease := &Lease{}
	err := result(C.anew_go_acquire_until(pool.raw, deadlineOf(deadline), &lease.raw))
	return lease.acquired(pool, err)
}

// Instantiate makes an instance the slow way, not counted against the capacity and not kept; for comparison.
func (pool *Pool) Instantiate() (*Lease, error) {
	lease := &Lease{}
	err := result(C.anew_go_instantiate(pool.raw, &lease.raw))
	return lease.acquired(pool, err)
}

// Function finds an exported function. It fails with [NotFound], with near matches in the message.
func (pool *Pool) Function(name string) (*Function, error) {
	var raw *C.anew_function_t
	data, size := textOf(name)
	if err := plainResult(C.anew_pool_function(pool.raw, data, size, nil, &raw)); err != nil {
		return nil, err
	}
	function := newFunction(raw)
	function.pool = pool
	return function, nil
}

// Trim drops idle instances now, down to PoolOptions.MinimumWarm. It returns how many.
func (pool *Pool) Trim() uint32 {
	defer runtime.KeepAlive(pool)
	return uint32(C.anew_pool_trim(pool.raw))
}

// Drain closes the pool: nobody gets a lease any more. Then it waits until all are back; it fails with [Resource] if some
// are still out when the time has come.
func (pool *Pool) Drain(deadline time.Time) error {
	defer runtime.KeepAlive(pool)
	return plainResult(C.anew_pool_drain(pool.raw, deadlineOf(deadline)))
}

// Shutdown is the same, but ends the calls that run with [Interrupted].
func (pool *Pool) Shutdown(deadline time.Time) error {
	defer runtime.KeepAlive(pool)
	return plainResult(C.anew_pool_shutdown(pool.raw, deadlineOf(deadline)))
}

// SaveSnapshot writes the state that the instances start from, with the modules, to a file that [Engine.Load] takes. It is
// atomic. It fails with [Unsupported] if a global or table holds an external reference, and [IO].
func (pool *Pool) SaveSnapshot(path string) error {
	defer runtime.KeepAlive(pool)
	data, size := textOf(path)
	return plainResult(C.anew_pool_save_snapshot(pool.raw, data, size))
}

// Statistics are what the pool did so far. They cost the calls nothing.
func (pool *Pool) Statistics() PoolStatistics {
	defer runtime.KeepAlive(pool)
	raw := C.anew_pool_statistics_t{struct_size: C.sizeof_anew_pool_statistics_t}
	if err := C.anew_pool_statistics(pool.raw, &raw); err != nil {
		panic(takeError(err)) // it fails for null, or for want of memory
	}
	return PoolStatistics{
		Instances: uint64(raw.instances), Leased: uint64(raw.leased), Idle: uint64(raw.idle),
		Acquired: uint64(raw.acquired), Waited: uint64(raw.waited), TimedOut: uint64(raw.timed_out),
		Restored: uint64(raw.restored), Distrusted: uint64(raw.distrusted), Traps: uint64(raw.traps),
		Kills: uint64(raw.kills), PagesRestored: uint64(raw.pages_restored), Audited: uint64(raw.audited),
		AuditFailures: uint64(raw.audit_failures), Trimmed: uint64(raw.trimmed), Evictions: uint64(raw.evictions),
	}
}

// AuditFailure is nil, or describes the first audit that found a difference.
func (pool *Pool) AuditFailure() error {
	defer runtime.KeepAlive(pool)
	return plainResult(C.anew_pool_audit(pool.raw))
}

// PoolCacheOptions say what a cache may keep. What is zero has its default.
type PoolCacheOptions struct {
	MaximumBytes        uint64      // that the cached pools may take; the least recently used go first; 0: 1 GiB
	MaximumMappings     uint64      // likewise, of the mappings that a process may have; 0: 32,000
	MaximumAddressSpace uint64      // likewise, in bytes; 0: 2^46
	RememberedFailures  uint64      // so many of the last failures; 0: 64; math.MaxUint64: none
	Pool                PoolOptions // of all pools, but for the snapshot
}

// PoolSettings are, with the hash, what a pool is found by.
type PoolSettings struct {
	Compile  CompileOptions
	Snapshot SnapshotOptions
}

func (settings *PoolSettings) raw(pinner *runtime.Pinner) *C.anew_pool_settings_t {
	if settings == nil {
		return nil
	}
	compile := settings.Compile.raw()
	pinner.Pin(compile)
	raw := &C.anew_pool_settings_t{
		struct_size: C.sizeof_anew_pool_settings_t,
		compile:     compile,
		snapshot:    settings.Snapshot.raw(pinner),
	}
	return raw
}

// PoolCacheStatistics are what a cache did so far.
type PoolCacheStatistics struct {
	Hits, Joined, Misses          uint64 // the pool was there, somebody else was making it, it had to be made
	RememberedFailures            uint64 // making it had failed before, and was not tried again
	Compilations, Failures        uint64
	Evictions                     uint64 // pools that went because others needed the room
	Pools                         uint64 // now
	Bytes, Mappings, AddressSpace uint64 // of these
}

// PoolCache keeps pools by the hash of their code. A [Pool] that it handed out works on, whatever it forgets.
type PoolCache struct {
	raw *C.anew_pool_cache_t
	_   own
}

// NewPoolCache makes a cache whose pools are all linked to this linker; options may be nil.
func NewPoolCache(engine *Engine, linker *Linker, options *PoolCacheOptions) (*PoolCache, error) {
	if options == nil {
		options = &PoolCacheOptions{}
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	raw := C.anew_pool_cache_options_t{
		struct_size:           C.sizeof_anew_pool_cache_options_t,
		maximum_bytes:         C.uint64_t(options.MaximumBytes),
		maximum_mappings:      C.uint64_t(options.MaximumMappings),
		maximum_address_space: C.uint64_t(options.MaximumAddressSpace),
		remembered_failures:   C.uint64_t(options.RememberedFailures),
		pool:                  options.Pool.raw(&pinner, nil),
	}
	cache := &PoolCache{}
	err := plainResult(C.anew_pool_cache_new(engine.raw, linker.raw, &raw, &cache.raw))
	runtime.KeepAlive(engine)
	runtime.KeepAlive(linker)
	if err != nil {
		return nil, err
	}
	runtime.AddCleanup(cache, func(raw *C.anew_pool_cache_t) { C.anew_pool_cache_delete(raw) }, cache.raw)
	return cache, nil
}

// Get is the pool for this code. If it is not there it is made; whoever asks for it meanwhile waits for that, but not past
// the deadline, unless that is zero. It fails as [Engine.Compile] and [NewPool] do, and with [Resource] if the deadline
// passed.
func (cache *PoolCache) Get(code []byte, settings *PoolSettings, deadline time.Time) (*Pool, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	var raw *C.anew_pool_t
	data, size := bytesOf(code)
	err := result(C.anew_go_cache_get(cache.raw, data, size, settings.raw(&pinner), deadlineOf(deadline), &raw))
	runtime.KeepAlive(cache)
	if err != nil {
		return nil, err
	}
	return newPool(raw), nil
}

type loader struct {
	load   func() ([]byte, error)
	pinner runtime.Pinner
}

// GetByHash is the same for code whose hash is known. The function load is called if the pool and its module are not there,
// and must not ask the cache for the same code. The caller vouches that the hash is that of the code.
func (cache *PoolCache) GetByHash(hash [32]byte, load func() ([]byte, error), settings *PoolSettings,
	deadline time.Time) (*Pool, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	loading := &loader{load: load}
	defer loading.pinner.Unpin()
	handle := cgo.NewHandle(loading)
	defer handle.Delete()
	var raw *C.anew_pool_t
	err := result(C.anew_go_cache_get_by_hash(cache.raw, (*C.uint8_t)(unsafe.Pointer(&hash)), C.uintptr_t(handle),
		settings.raw(&pinner), deadlineOf(deadline), &raw))
	runtime.KeepAlive(cache)
	if err != nil {
		return nil, err
	}
	return newPool(raw), nil
}

// Invalidate forgets what the cache has of this code. It returns how many pools.
func (cache *PoolCache) Invalidate(hash [32]byte) int {
	defer runtime.KeepAlive(cache)
	return int(C.anew_pool_cache_invalidate(cache.raw, (*C.uint8_t)(unsafe.Pointer(&hash))))
}

// Clear forgets everything.
func (cache *PoolCache) Clear() {
	C.anew_pool_cache_clear(cache.raw)
	runtime.KeepAlive(cache)
}

// Trim drops the pools that are least recently used until the limits are kept. It returns how many.
func (cache *PoolCache) Trim() int {
	defer runtime.KeepAlive(cache)
	return int(C.anew_pool_cache_trim(cache.raw))
}

// Statistics are what the cache did so far.
func (cache *PoolCache) Statistics() PoolCacheStatistics {
	defer runtime.KeepAlive(cache)
	raw := C.anew_pool_cache_statistics_t{struct_size: C.sizeof_anew_pool_cache_statistics_t}
	if err := C.anew_pool_cache_statistics(cache.raw, &raw); err != nil {
		panic(takeError(err)) // it fails for null, or for want of memory
	}
	return PoolCacheStatistics{
		Hits: uint64(raw.hits), Joined: uint64(raw.joined), Misses: uint64(raw.misses),
		RememberedFailures: uint64(raw.remembered_failures), Compilations: uint64(raw.compilations),
		Failures: uint64(raw.failures), Evictions: uint64(raw.evictions), Pools: uint64(raw.pools),
		Bytes: uint64(raw.bytes), Mappings: uint64(raw.mappings), AddressSpace: uint64(raw.address_space),
	}
}
