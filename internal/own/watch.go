package own

import (
	"context"
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	// every is how often they are looked up, should the kernel not tell of a
	// change.
	every = 30 * time.Second
	// settling lets a change come to its end: Docker makes a bridge, its address
	// and its routes one after the other.
	settling = 50 * time.Millisecond
)

// Watch tells the prefixes, at once and whenever they have changed, until
// ctx ends: networks of containers come and go. An error comes instead when they
// cannot be looked up, and again only after they could. It looks at the network
// namespace of the calling thread.
func Watch(ctx context.Context, tell func([]Prefix, error)) {
	var known []Prefix
	failing := false
	look := func() {
		own, err := Prefixes()
		switch {
		case err != nil && !failing:
			tell(nil, err)
		case err == nil && (known == nil || !slices.Equal(known, own)):
			known = own
			tell(own, nil)
		}
		failing = err != nil
	}
	for ctx.Err() == nil {
		// What changes from now on wakes us, so nothing is missed.
		wake, stop := events()
		look()
		awaitChange(ctx, wake)
		stop()
	}
}

// awaitChange waits until something has changed, or for so long that it may have.
func awaitChange(ctx context.Context, wake <-chan struct{}) {
	due := time.NewTimer(every)
	defer due.Stop()
	select {
	case <-ctx.Done():
	case <-due.C:
	case <-wake:
		pause := time.NewTimer(settling)
		defer pause.Stop()
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
	}
}

// events has the kernel tell of changes to addresses and routes. Where it does
// not, wake stays silent.
func events() (wake <-chan struct{}, stop func()) {
	changed := make(chan struct{}, 1)
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
		unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE)
	if err != nil {
		return changed, func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// An error is a change, too: there were more of them than fit.
		for err := error(nil); err == nil; {
			_, _, err = socket.Receive()
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	return changed, func() {
		socket.Close()
		<-ended
	}
}
