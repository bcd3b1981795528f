package sidecar

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// listening returns the TCP ports that are served in the network of the calling
// thread to others than itself.
func listening() ([]uint16, error) {
	var ports []uint16
	for _, table := range []string{"tcp", "tcp6"} {
		file, err := os.Open("/proc/thread-self/net/" + table)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("list sockets: %w", err)
		}
		ports = append(ports, listeners(file)...)
		_ = file.Close() // it was only read
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

// listeners reads a table of sockets, as of proc_pid_net(5):
//
//	sl  local_address rem_address   st ...
//	 0: 00000000:0050 00000000:0000 0A ...
func listeners(table io.Reader) []uint16 {
	const listen = "0A"
	var ports []uint16
	for in := bufio.NewScanner(table); in.Scan(); {
		fields := strings.Fields(in.Text())
		if len(fields) < 4 || fields[3] != listen {
			continue
		}
		if local, ok := socketAddr(fields[1]); ok && !local.Addr().IsLoopback() {
			ports = append(ports, local.Port())
		}
	}
	return ports
}

// socketAddr reads an address as the kernel prints it: words of 32 bits in this
// machine's byte order, in hexadecimal, and the port.
func socketAddr(text string) (netip.AddrPort, bool) {
	words, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(words)
	if err != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	addr, ok := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), ok && err == nil
}
