// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package anew_test

import (
	"fmt"
	"log"
	"sync"
	"time"

	"anew.local/anew"
)

// An instance as new for each lease.
func Example() {
	engine, err := anew.NewEngine(nil)
	if err != nil {
		log.Fatal(err)
	}
	module, err := engine.Load("../guests/plain.wasm", nil)
	if err != nil {
		log.Fatal(err)
	}
	linker, err := anew.NewLinker() // the module imports nothing
	if err != nil {
		log.Fatal(err)
	}
	pool, err := anew.NewPool(module, linker, nil)
	if err != nil {
		log.Fatal(err)
	}
	next, err := pool.Function("next")
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		lease, err := pool.Acquire() // an instance as new
		if err != nil {
			log.Fatal(err)
		}
		for range 3 {
			results, err := lease.Call(next)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(results[0].I32())
		}
		if err := lease.Close(); err != nil { // restored here
			log.Fatal(err)
		}
	}
	// Output:
	// 1
	// 2
	// 3
	// 1
	// 2
	// 3
}

// A host function that reads its guest's memory.
func ExampleLinker_Define() {
	engine, err := anew.NewEngine(nil)
	if err != nil {
		log.Fatal(err)
	}
	linker, err := anew.NewLinker()
	if err != nil {
		log.Fatal(err)
	}
	err = linker.Define("env", "log", func(caller *anew.Caller, address, size uint32) error {
		memory, err := caller.Memory()
		if err != nil {
			return err
		}
		line := make([]byte, size)
		if err := memory.Read(uint64(address), line); err != nil {
			return err // traps the guest
		}
		fmt.Println("the guest says", string(line))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := linker.TrapUnknownFunctions(); err != nil {
		log.Fatal(err)
	}
	module, err := engine.Load("../guests/host.wasm", nil)
	if err != nil {
		log.Fatal(err)
	}
	pool, err := anew.NewPool(module, linker, nil)
	if err != nil {
		log.Fatal(err)
	}
	hello, err := pool.Function("hello")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := hello.CallAsNew(); err != nil {
		log.Fatal(err)
	}
	// Output: the guest says hello
}

// Goroutines that share a pool, with a deadline for each call.
func ExamplePool_AcquireUntil() {
	engine, err := anew.NewEngine(nil)
	if err != nil {
		log.Fatal(err)
	}
	module, err := engine.Load("../guests/plain.wasm", nil)
	if err != nil {
		log.Fatal(err)
	}
	linker, err := anew.NewLinker()
	if err != nil {
		log.Fatal(err)
	}
	pool, err := anew.NewPool(module, linker, &anew.PoolOptions{Capacity: 2})
	if err != nil {
		log.Fatal(err)
	}
	add, err := pool.Function("add")
	if err != nil {
		log.Fatal(err)
	}
	sums := make([]int32, 8)
	var group sync.WaitGroup
	for i := range sums {
		group.Add(1)
		go func() {
			defer group.Done()
			lease, err := pool.AcquireUntil(time.Now().Add(10 * time.Second)) // there are fewer instances than goroutines
			if err != nil {
				log.Fatal(err)
			}
			defer lease.Close()
			if err := lease.SetDeadline(time.Now().Add(time.Second)); err != nil {
				log.Fatal(err)
			}
			results, err := lease.Call(add, anew.I32(int32(i)), anew.I32(1))
			if err != nil {
				log.Fatal(err)
			}
			sums[i] = results[0].I32()
		}()
	}
	group.Wait()
	fmt.Println(sums)
	// Output: [1 2 3 4 5 6 7 8]
}
