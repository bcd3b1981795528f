package banner

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// errGarbled is a reply that is not of the ipset protocol as we know it.
var errGarbled = errors.New("garbled reply of the kernel")

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
		return errGarbled
	}
	return eachAttr(payload[nl.SizeofNfgenmsg:], func(kind uint16, value []byte) error {
		switch kind {
		case nl.IPSET_ATTR_TYPENAME:
			r.kind = unix.ByteSliceToString(value)
		case nl.IPSET_ATTR_FAMILY:
			if len(value) != 1 {
				return errGarbled
			}
			r.family = value[0]
		case nl.IPSET_ATTR_DATA:
			return eachAttr(value, r.readHeader)
		case nl.IPSET_ATTR_ADT:
			return eachAttr(value, r.readMember)
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
	err := eachAttr(data, func(kind uint16, value []byte) error {
		switch {
		case kind == nl.IPSET_ATTR_IP:
			return eachAttr(value, func(_ uint16, ip []byte) error {
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
		return errGarbled
	}
	r.members = append(r.members, m)
	return nil
}

// refusal reads the end of a reply: nil when the request was carried out.
func refusal(payload []byte) error {
	const echo = 4
	if len(payload) < echo {
		return errGarbled
	}
	errno := int32(binary.NativeEndian.Uint32(payload))
	if errno == 0 {
		return nil
	}
	return &kernelError{errno: syscall.Errno(-errno), line: refusedLine(payload[echo:])}
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
	_ = eachAttr(request[headers:], func(kind uint16, value []byte) error {
		if kind == nl.IPSET_ATTR_LINENO && len(value) == 4 {
			line = int(binary.BigEndian.Uint32(value))
		}
		return nil
	})
	return line
}

// eachAttr calls f for each attribute, its kind without the flags.
func eachAttr(b []byte, f func(kind uint16, value []byte) error) error {
	for len(b) > 0 {
		if len(b) < unix.SizeofNlAttr {
			return errGarbled
		}
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofNlAttr || size > len(b) {
			return errGarbled
		}
		if err := f(binary.NativeEndian.Uint16(b[2:])&nl.NLA_TYPE_MASK, b[unix.SizeofNlAttr:size]); err != nil {
			return err
		}
		padded := (size + unix.NLA_ALIGNTO - 1) &^ (unix.NLA_ALIGNTO - 1)
		b = b[min(padded, len(b)):]
	}
	return nil
}
