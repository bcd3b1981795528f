package record

import (
	"bytes"
	"net/netip"
)

// LongestAddr is the length of the longest address that is read: IPv6 with a zone, or with brackets and a port.
const LongestAddr = 64

// ParseAddr reads an address as the rest of the program knows them: IPv4 unmapped out of IPv6, without a zone.
func ParseAddr(b []byte) (netip.Addr, bool) {
	if addr, ok := ParseIPv4(b); ok {
		return addr, true
	}
	// Whatever else has no colon is a name, of which to make a string were a waste.
	if len(b) > LongestAddr || bytes.IndexByte(b, ':') < 0 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(string(b))
	if err != nil {
		return netip.Addr{}, false
	}
	return addr.WithZone("").Unmap(), true
}

// ParseHost reads what ParseAddr reads, behind blanks, with or without a port, and IPv6 with or without brackets. A
// list of addresses, as X-Forwarded-For may be, is none.
func ParseHost(b []byte) (netip.Addr, bool) {
	b = bytes.TrimLeft(b, " ")
	if addr, ok := parseIPv4Port(b); ok {
		return addr, true
	}
	if addr, ok := ParseAddr(b); ok {
		return addr, true
	}
	n := len(b)
	if n > LongestAddr || n < 3 || bytes.IndexByte(b, ':') < 0 {
		return netip.Addr{}, false
	}
	if b[0] == '[' && b[n-1] == ']' {
		return ParseAddr(b[1 : n-1])
	}
	at, err := netip.ParseAddrPort(string(b))
	return at.Addr().WithZone("").Unmap(), err == nil
}

// parseIPv4Port reads what most addresses with a port are, without making a string of it.
func parseIPv4Port(b []byte) (netip.Addr, bool) {
	const shortest, longest = len("1.2.3.4"), len("65535")
	at := bytes.LastIndexByte(b[min(shortest, len(b)):], ':') + shortest
	if at < shortest || len(b)-at-1 > longest || at+1 == len(b) || uint(Digits(b[at+1:])) > 65535 {
		return netip.Addr{}, false
	}
	return ParseIPv4(b[:at])
}

// ParseIPv4 reads what nearly all addresses are, without making a string of it.
func ParseIPv4(b []byte) (netip.Addr, bool) {
	var octets [4]byte
	at := 0
	for i := range octets {
		if i > 0 {
			if at == len(b) || b[at] != '.' {
				return netip.Addr{}, false
			}
			at++
		}
		n, end := 0, at
		for end < len(b) && end < at+3 && b[end]-'0' <= 9 {
			n = n*10 + int(b[end]-'0')
			end++
		}
		if end == at || n > 255 || end > at+1 && b[at] == '0' {
			return netip.Addr{}, false
		}
		octets[i], at = byte(n), end
	}
	return netip.AddrFrom4(octets), at == len(b)
}
