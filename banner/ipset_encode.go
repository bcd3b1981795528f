package banner

import (
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

const (
	setType = "hash:net"
	// setRevision is the first revision of hash:net with counters, which is in
	// Linux since 3.10; older ones are accepted by every newer kernel.
	setRevision = 3
	maxMembers  = 1_000_000
	// maxTimeout is the longest time in seconds that the kernel counts.
	maxTimeout = 2_147_483
)

// aboutSet begins the body of every request of the protocol, which
// include/uapi/linux/netfilter/ipset/ip_set.h in the kernel's source defines.
func aboutSet(name string) []byte {
	nfgenmsg := []byte{unix.AF_INET, nl.NFNETLINK_V0, 0, 0}
	b := nfnetlink.Attr(nfgenmsg, nl.IPSET_ATTR_PROTOCOL, []byte{nl.IPSET_PROTOCOL})
	return nfnetlink.Attr(b, nl.IPSET_ATTR_SETNAME, nl.ZeroTerminated(name))
}

// newSet is the body of a request to create a set whose members come with
// their own timeouts and count their packets.
func newSet(name string, family uint8) []byte {
	b := aboutSet(name)
	b = nfnetlink.Attr(b, nl.IPSET_ATTR_TYPENAME, nl.ZeroTerminated(setType))
	b = nfnetlink.Attr(b, nl.IPSET_ATTR_REVISION, []byte{setRevision})
	b = nfnetlink.Attr(b, nl.IPSET_ATTR_FAMILY, []byte{family})
	return nfnetlink.Nest(b, nl.IPSET_ATTR_DATA, func(b []byte) []byte {
		b = nfnetlink.Attr32(b, nl.IPSET_ATTR_TIMEOUT, 0)
		b = nfnetlink.Attr32(b, nl.IPSET_ATTR_MAXELEM, maxMembers)
		return nfnetlink.Attr32(b, nl.IPSET_ATTR_CADT_FLAGS, nl.IPSET_FLAG_WITH_COUNTERS)
	})
}

// setHeader is the body of a request for what a set is, without its members.
func setHeader(name string) []byte {
	const listHeader = 1 << 2 // IPSET_FLAG_LIST_HEADER, which nl does not have
	return nfnetlink.Attr32(aboutSet(name), nl.IPSET_ATTR_FLAGS, listHeader)
}

// setMembers is the body of a request that adds or deletes all members.
func setMembers(name string, members []member) []byte {
	b := nfnetlink.Attr32(aboutSet(name), nl.IPSET_ATTR_LINENO, 0)
	return nfnetlink.Nest(b, nl.IPSET_ATTR_ADT, func(b []byte) []byte {
		for i, m := range members {
			b = appendMember(b, m, uint32(i)+1)
		}
		return b
	})
}

// setMember is the body of a request about one member.
func setMember(name string, m member) []byte {
	return appendMember(aboutSet(name), m, 0)
}

// appendMember appends one member; line is what the kernel calls it by when it
// refuses it.
func appendMember(b []byte, m member, line uint32) []byte {
	kind := uint16(nl.IPSET_ATTR_IPADDR_IPV6)
	if m.prefix.Addr().Is4() {
		kind = nl.IPSET_ATTR_IPADDR_IPV4
	}
	return nfnetlink.Nest(b, nl.IPSET_ATTR_DATA, func(b []byte) []byte {
		b = nfnetlink.Nest(b, nl.IPSET_ATTR_IP, func(b []byte) []byte {
			return nfnetlink.Attr(b, kind|nl.NLA_F_NET_BYTEORDER, m.prefix.Addr().AsSlice())
		})
		b = nfnetlink.Attr(b, nl.IPSET_ATTR_CIDR, []byte{uint8(m.prefix.Bits())})
		b = nfnetlink.Attr32(b, nl.IPSET_ATTR_TIMEOUT, m.seconds)
		return nfnetlink.Attr32(b, nl.IPSET_ATTR_LINENO, line)
	})
}

// seconds rounds up, so that a ban never ends early, and stays below what the
// kernel can count.
func seconds(d time.Duration) uint32 {
	if d >= maxTimeout*time.Second {
		return maxTimeout
	}
	return uint32((d + time.Second - 1) / time.Second)
}
