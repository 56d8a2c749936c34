// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

// A program that uses the package of docs/writing-a-client.md: it holds a
// network, is told that the broker was killed, and gives the next network back.

package main

import (
	"example/network"
	"fmt"
	"os"
	"time"
)

func main() {
	states := make(chan network.State, 8)
	hold, err := network.NewHold(os.Args[1], func(h *network.Hold, s network.State) {
		// What the SDK says of a hold that is not stored yet.
		if h.Reason().Error() == "invalid network name" {
			fmt.Println("no hold in state", s)
		}
		states <- s
	})
	if err == nil {
		err = hold.Wait(time.Minute)
	}
	if err != nil {
		fmt.Println(os.Args[1]+":", err)
		os.Exit(1)
	}
	fmt.Println("granted", hold.Network() != nil)
	for i := 0; i < 3; i++ {
		fmt.Println("state", <-states)
	}
	hold.Release()
	fmt.Println("released")
}
