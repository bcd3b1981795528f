package doctor

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Systemd is the journal of the host, as journalctl reads it.
type Systemd struct{}

// Tail returns the last lines of a unit.
func (Systemd) Tail(ctx context.Context, unit string, lines int) ([]byte, error) {
	kept, complaint := &ending{}, &ending{}
	cmd := exec.CommandContext(ctx, "journalctl", "--unit="+unit, "--lines="+strconv.Itoa(lines),
		"--output=cat", "--quiet", "--no-pager")
	cmd.Stdout, cmd.Stderr = kept, complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("read systemd's journal of %s: %w %s", unit, err, strings.TrimSpace(string(complaint.kept)))
	}
	return kept.text(), nil
}
