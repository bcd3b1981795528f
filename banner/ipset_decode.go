package banner

import (
	"encoding/binary"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

// member is one prefix in a set and for how many more seconds; 0 is for ever.
type member struct {
	prefix  netip.Prefix
	seconds uint32
	// packets is how many were dropped, if they are counted.
	packets uint64
	counted bool
}

func (m member) about() netip.Prefix { return m.prefix }

// setReply collects what the messages of one listing say about a set.
type setReply struct {
	kind     string
	family   uint8
	timeouts bool
	// elements is how many members the kernel says there are; some may have
	// run out.
	elements uint32
	members  []member
}

// read adds what one message says.
func (r *setReply) read(payload []byte) error {
	if len(payload) < nl.SizeofNfgenmsg {
		return nfnetlink.ErrGarbled
	}
	return nfnetlink.EachAttr(payload[nl.SizeofNfgenmsg:], func(kind uint16, value []byte) error {
		switch kind {
		case nl.IPSET_ATTR_TYPENAME:
			r.kind = unix.ByteSliceToString(value)
		case nl.IPSET_ATTR_FAMILY:
			if len(value) != 1 {
				return nfnetlink.ErrGarbled
			}
			r.family = value[0]
		case nl.IPSET_ATTR_DATA:
			return nfnetlink.EachAttr(value, r.readHeader)
		case nl.IPSET_ATTR_ADT:
			return nfnetlink.EachAttr(value, r.readMember)
		}
		return nil
	})
}

func (r *setReply) readHeader(kind uint16, value []byte) error {
	switch {
	case kind == nl.IPSET_ATTR_TIMEOUT:
		r.timeouts = true
	case kind == nl.IPSET_ATTR_ELEMENTS && len(value) == 4:
		r.elements = binary.BigEndian.Uint32(value)
	}
	return nil
}

func (r *setReply) readMember(_ uint16, data []byte) error {
	var addr netip.Addr
	var m member
	bits := -1
	err := nfnetlink.EachAttr(data, func(kind uint16, value []byte) error {
		switch {
		case kind == nl.IPSET_ATTR_IP:
			return nfnetlink.EachAttr(value, func(_ uint16, ip []byte) error {
				addr, _ = netip.AddrFromSlice(ip)
				return nil
			})
		case kind == nl.IPSET_ATTR_CIDR && len(value) == 1:
			bits = int(value[0])
		case kind == nl.IPSET_ATTR_TIMEOUT && len(value) == 4:
			m.seconds = binary.BigEndian.Uint32(value)
		case kind == nl.IPSET_ATTR_PACKETS && len(value) == 8:
			m.packets, m.counted = binary.BigEndian.Uint64(value), true
		}
		return nil
	})
	m.prefix = netip.PrefixFrom(addr, bits)
	if err != nil || !m.prefix.IsValid() {
		return nfnetlink.ErrGarbled
	}
	r.members = append(r.members, m)
	return nil
}

// refusedLine reads which member of a batch the kernel refused from the request
// that it sends back; 0 when it does not say.
func refusedLine(request []byte) int {
	const headers = unix.SizeofNlMsghdr + nl.SizeofNfgenmsg
	if len(request) < headers {
		return 0
	}
	line := 0
	// A request that came back cut short still names its line or does not.
	_ = nfnetlink.EachAttr(request[headers:], func(kind uint16, value []byte) error {
		if kind == nl.IPSET_ATTR_LINENO && len(value) == 4 {
			line = int(binary.BigEndian.Uint32(value))
		}
		return nil
	})
	return line
}
