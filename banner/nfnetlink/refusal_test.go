package nfnetlink

import (
	"encoding/binary"
	"errors"
	"syscall"
	"testing"
)

// ended is the end of a reply.
func ended(errno syscall.Errno, request string) []byte {
	return append(binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno))), request...)
}

func TestReadEnd(t *testing.T) {
	if err := readEnd(ended(0, "asked")); err != nil {
		t.Errorf("done: %v", err)
	}
	if err := readEnd([]byte{1}); !errors.Is(err, ErrGarbled) {
		t.Errorf("too short: %v", err)
	}
	refused, ok := errors.AsType[*RefusedError](readEnd(ended(syscall.EPERM, "asked")))
	if !ok || refused.Errno != syscall.EPERM || string(refused.Request) != "asked" {
		t.Errorf("refused: %+v", refused)
	}
}

// FuzzEachMessage feeds what reads the kernel's answers with others. It may refuse
// them, but must come to an end.
func FuzzEachMessage(f *testing.F) {
	body := func(b []byte) []byte { return Attr32(b, 1, 7) }
	f.Add(AppendRequest(AppendRequest(nil, 10<<8, 0, 1, body), 10<<8, 0, 2, body))
	f.Add(ended(syscall.EPERM, "asked"))
	f.Fuzz(func(t *testing.T, b []byte) {
		messages := 0
		err := eachMessage(b, func(_ uint32, payload []byte, err error) error {
			messages++
			if err == nil {
				_ = EachAttr(payload, func(uint16, []byte) error { return nil })
			}
			return nil
		})
		if err != nil && !errors.Is(err, ErrGarbled) {
			t.Errorf("unexpected error: %v", err)
		}
		if messages > len(b) {
			t.Errorf("%d messages in %d bytes", messages, len(b))
		}
	})
}
