package banner

import (
	"bytes"
	"context"
	"errors"
	"os"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

// changes tells of changes that other programs make to nftables, which are
// also those of iptables in its nft variant, in the network namespace of the
// calling thread, as long as listen runs, which ends with ctx. Without the right
// to listen it tells nothing.
func changes(ctx context.Context) (changed <-chan struct{}, listen func()) {
	const group = unix.NFNLGRP_NFTABLES
	socket, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{Groups: 1 << (group - 1)})
	if err != nil {
		return nil, func() {}
	}
	// A change of ours ends with the name of our program, in every namespace.
	self, _ := os.ReadFile("/proc/self/comm")
	self = append(bytes.TrimSpace(self), 0)
	tell := make(chan struct{}, 1)
	return tell, func() {
		defer func() { _ = socket.Close() }() // it was only read
		defer context.AfterFunc(ctx, func() { _ = socket.SetReadDeadline(time.Unix(0, 0)) })()
		for ctx.Err() == nil {
			messages, err := socket.Receive()
			// What did not fit into the socket's buffer may have been anything.
			if err != nil && !errors.Is(err, unix.ENOBUFS) {
				return
			}
			if err != nil || anyByOthers(messages, self) {
				select {
				case tell <- struct{}{}:
				default: // it is known already
				}
			}
		}
	}
}

// anyByOthers says whether one of the messages ends a change that a program of
// another name made.
func anyByOthers(messages []netlink.Message, self []byte) bool {
	const newGeneration = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWGEN
	for _, m := range messages {
		if m.Header.Type != newGeneration || len(m.Data) < 4 {
			continue
		}
		by := []byte(nil)
		_ = nfnetlink.EachAttr(m.Data[4:], func(kind uint16, value []byte) error { // a garbled one is by others
			if kind == unix.NFTA_GEN_PROC_NAME {
				by = value
			}
			return nil
		})
		if !bytes.Equal(by, self) {
			return true
		}
	}
	return false
}
