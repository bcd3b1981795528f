package rotated

import "testing"

func TestIsSibling(t *testing.T) {
	tests := []struct {
		base, name string
		want       bool
	}{
		{"odoo.log", "odoo.log.1", true},
		{"odoo.log", "odoo.log.12.gz", true},
		{"odoo.log", "odoo.log-20261123", true},
		{"odoo.log", "odoo.log-2026112310.xz", true},
		{"odoo.log", "odoo.log.2026-11-23", true},
		{"odoo.log", "odoo.log.2026-11-23_10-00", true},
		{"odoo.log", "odoo.log.old", true},
		{"odoo.log", "odoo.log.gz", true},
		{"odoo.log", "odoo-20261123.log", true},
		{"odoo.log", "odoo.2026-11-23.log", true},
		{"odoo.log", "odoo.log", false},
		{"odoo.log", "odoo-8069.log", false},
		{"odoo.log", "odoo-test.log", false},
		{"odoo.log", "odoo.log.swp", false},
		{"odoo.log", "other.log.1", false},
		{"odoo", "odoo.1", true},
		{"odoo", "odoo2", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := IsSibling(tt.base, tt.name); got != tt.want {
				t.Errorf("IsSibling(%q, %q) = %v", tt.base, tt.name, got)
			}
		})
	}
}

func TestStem(t *testing.T) {
	tests := []struct{ path, want string }{
		{"odoo.log", "odoo.log"},
		{"/var/log/odoo/odoo.log.1", "/var/log/odoo/odoo.log"},
		{"odoo.log.12.gz", "odoo.log"},
		{"odoo.log.gz", "odoo.log"},
		{"odoo.log-20261123", "odoo.log"},
		{"odoo.log-20261123.gz", "odoo.log"},
		{"odoo.log-20261123-1763856000.gz", "odoo.log"},
		{"odoo.log.2026-11-23", "odoo.log"},
		{"odoo.log.2026-11-23_10-45-24", "odoo.log"},
		{"odoo-20261123.log", "odoo.log"},
		{"odoo_2026-11-23.log.gz", "odoo.log"},
		{"odoo.log.old", "odoo.log"},
		{"odoo.log-3.zst", "odoo.log"},
		{"/logs-20261123/odoo.login.log.1", "/logs-20261123/odoo.login.log"},
		{"odoo-server.2.gz", "odoo-server"},
		{"odoo-2.log", "odoo-2.log"},
		{".log.1", ".log"},
		{"server-1", "server-1"},
		{"shop.example.2026", "shop.example.2026"},
	}
	for _, tt := range tests {
		if got := Stem(tt.path); got != tt.want {
			t.Errorf("Stem(%q) = %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestRotated(t *testing.T) {
	tests := []struct {
		path   string
		others []string
		want   bool
	}{
		{"/log/odoo.log.old", nil, true},
		{"/log/odoo.log.2.gz", nil, true},
		{"/log/odoo.log", []string{"/log/odoo.log"}, false},
		{"/log/odoo-20261123.log", nil, false},
		{"/log/odoo-20261123.log", []string{"/log/odoo.log"}, true},
		{"/log/odoo-20261123.log", []string{"/other/odoo.log"}, false},
		{"/log/odoo.1", nil, false},
		{"/log/odoo.1", []string{"/log/odoo"}, true},
	}
	for _, tt := range tests {
		if got := Is(tt.path, tt.others); got != tt.want {
			t.Errorf("Is(%q, %q) = %v", tt.path, tt.others, got)
		}
	}
}
