package nfnetlink

import (
	"encoding/binary"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Attr appends an attribute that holds a value.
func Attr(b []byte, kind uint16, value []byte) []byte {
	return enclose(b, kind, func(b []byte) []byte { return append(b, value...) })
}

// Nest appends an attribute that holds the attributes that fill appends.
func Nest(b []byte, kind uint16, fill func([]byte) []byte) []byte {
	return enclose(b, kind|nl.NLA_F_NESTED, fill)
}

// enclose appends the length, the kind and what fill appends, padded to four
// bytes, as netlink(7) wants it. The length goes up to 65,535: that is why
// members go in batches.
func enclose(b []byte, kind uint16, fill func([]byte) []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = fill(b)
	binary.NativeEndian.PutUint16(b[start:], uint16(len(b)-start))
	binary.NativeEndian.PutUint16(b[start+2:], kind)
	for len(b)%unix.NLA_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}

// Attr32 appends an attribute that holds a number in the order of the network.
func Attr32(b []byte, kind uint16, value uint32) []byte {
	return Attr(b, kind|nl.NLA_F_NET_BYTEORDER, binary.BigEndian.AppendUint32(nil, value))
}

// EachAttr calls f for each attribute, its kind without the flags.
func EachAttr(b []byte, f func(kind uint16, value []byte) error) error {
	for len(b) > 0 {
		if len(b) < unix.SizeofNlAttr {
			return ErrGarbled
		}
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofNlAttr || size > len(b) {
			return ErrGarbled
		}
		if err := f(binary.NativeEndian.Uint16(b[2:])&nl.NLA_TYPE_MASK, b[unix.SizeofNlAttr:size]); err != nil {
			return err
		}
		padded := (size + unix.NLA_ALIGNTO - 1) &^ (unix.NLA_ALIGNTO - 1)
		b = b[min(padded, len(b)):]
	}
	return nil
}
