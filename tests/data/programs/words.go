// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Counts the words of standard input, in goroutines, and prints the most frequent ones: for GOOS=wasip1.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
)

func main() {
	lines := make(chan string)
	counts := map[string]int{}
	var mutex sync.Mutex
	var workers sync.WaitGroup
	for i := 0; i < 4; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for line := range lines {
				for _, word := range strings.Fields(line) {
					mutex.Lock()
					counts[strings.ToLower(word)]++
					mutex.Unlock()
				}
			}
		}()
	}
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		lines <- input.Text()
	}
	close(lines)
	workers.Wait()
	words := make([]string, 0, len(counts))
	for word := range counts {
		words = append(words, word)
	}
	sort.Slice(words, func(i, j int) bool {
		if counts[words[i]] != counts[words[j]] {
			return counts[words[i]] > counts[words[j]]
		}
		return words[i] < words[j]
	})
	for i, word := range words {
		if i < 3 {
			fmt.Println(counts[word], word)
		}
	}
	if len(words) == 0 {
		os.Exit(3)
	}
}
