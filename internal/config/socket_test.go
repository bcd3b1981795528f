package config

import (
	"os"
	"path/filepath"
	"testing"
)

// The socket is known whatever else is wrong.
func TestSocket(t *testing.T) {
	usual := Default().Socket
	tests := []struct{ name, file, variable, want string }{
		{"nothing", "", "", usual},
		{"the file", "socket: /srv/s\n", "", "/srv/s"},
		{"the variable", "socket: /srv/s\n", "/run/v", "/run/v"},
		{"an empty variable", "socket: /srv/s\n", "", "/srv/s"},
		{"an unknown key", "sokets: 1\nsocket: /srv/s\nsources: 7\n", "", "/srv/s"},
		{"no YAML", "sources: [\nsocket: '/srv/s' # here\n\tx", "", "/srv/s"},
		{"flow style", "{socket: /srv/s, souces: []}", "", "/srv/s"},
		{"a relative path", "socket: s\n", "", usual},
		{"another key", "metrics:\n  socket: /srv/s\n[", "", usual},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "odooban.yaml")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := Socket(path, []string{"ODOOBAN_SOCKET=" + tt.variable}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := Socket("/nowhere/odooban.yaml", nil); got != usual {
		t.Errorf("without a file: %q", got)
	}
}
