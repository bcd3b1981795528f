package nfnetlink

import (
	"encoding/binary"
	"errors"
	"syscall"
)

// ErrGarbled is a reply that is not of the protocol as we know it.
var ErrGarbled = errors.New("garbled reply of the kernel")

// RefusedError is what the kernel says when it does not carry out a request. It unwraps
// to a syscall.Errno.
type RefusedError struct {
	Errno syscall.Errno
	// Request is what the kernel sends back of the request, with its headers; it may
	// be cut short.
	Request []byte
}

func (r *RefusedError) Unwrap() error { return r.Errno }

func (r *RefusedError) Error() string { return r.Errno.Error() }

// readEnd reads the end of a reply: nil when the request was carried out.
func readEnd(payload []byte) error {
	const echo = 4
	if len(payload) < echo {
		return ErrGarbled
	}
	errno := int32(binary.NativeEndian.Uint32(payload))
	if errno == 0 {
		return nil
	}
	return &RefusedError{Errno: syscall.Errno(-errno), Request: payload[echo:]}
}
