package sidecar

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// listening returns the TCP ports that are served in the network of the calling
// thread to others than itself. Where the kernel does not list listeners alone, it
// is asked for all sockets, which takes it milliseconds.
func listening() ([]uint16, error) {
	ports, err := diagnosed()
	if err != nil {
		ports, err = tabled()
	}
	slices.Sort(ports)
	return slices.Compact(ports), err
}

// diagnosed asks for the listeners, see sock_diag(7).
func diagnosed() (ports []uint16, err error) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		const listen = 10 // of the kernel's net/tcp_states.h
		query := binary.NativeEndian.AppendUint32([]byte{family, unix.IPPROTO_TCP, 0, 0}, 1<<listen)
		request := nl.NewNetlinkRequest(nl.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP)
		request.AddRawData(append(query, make([]byte, sizeofSocketID)...))
		answers, err := request.Execute(unix.NETLINK_INET_DIAG, 0)
		if err != nil {
			return nil, fmt.Errorf("ask for listening sockets: %w", err)
		}
		for _, answer := range answers {
			if local, ok := diagnosedAddr(answer); ok && !local.Addr().IsLoopback() {
				ports = append(ports, local.Port())
			}
		}
	}
	return ports, nil
}

// sizeofSocketID is how many bytes inet_diag_sockid has.
const sizeofSocketID = 48

// diagnosedAddr reads the local address out of an inet_diag_msg: after four bytes,
// of which the first is the family, the ports, and 16 bytes for each address.
func diagnosedAddr(b []byte) (netip.AddrPort, bool) {
	const ports, addr = 4, 8
	if len(b) < addr+net.IPv6len {
		return netip.AddrPort{}, false
	}
	size := net.IPv6len
	if b[0] == unix.AF_INET {
		size = net.IPv4len
	}
	local, ok := netip.AddrFromSlice(b[addr : addr+size])
	return netip.AddrPortFrom(local.Unmap(), binary.BigEndian.Uint16(b[ports:])), ok
}

// tabled reads the tables of all sockets.
func tabled() ([]uint16, error) {
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
	return ports, nil
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
