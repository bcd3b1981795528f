package doctor

import (
	"strings"
	"testing"

	"odooban/internal/ini"
)

func FuzzSettings(f *testing.F) {
	f.Add([]byte("[options]\nlog_level = warn\n  more\nlist_db: False\n"))
	f.Add([]byte("[\n]\n = \n :\n\t"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		var s settings
		s.read(ini.Parse(text)["options"], "odoo.conf")
		s.hide()
	})
}

// What hides failed logins depends on all of these together, as in Odoo's own
// init_logger.
func TestHide(t *testing.T) {
	tests := []struct {
		name, conf string
		args, env  []string
		// want begins what is told; empty if nothing is hidden.
		want string
	}{
		{"nothing set", "", nil, nil, ""},
		{"info", "log_level = info", nil, nil, ""},
		{"warn", "log_level = warn", nil, nil, "log_level = warn in odoo.conf"},
		{"runbot is above info", "log_level = runbot", nil, nil, "log_level = runbot"},
		{"a level nobody knows", "log_level = loud", nil, nil, ""},
		{"the cure", "log_level = warn\nlog_handler = odoo.addons.base.models.res_users:INFO,werkzeug:INFO", nil, nil, ""},
		{"the root's is below log_level's", "log_level = warn\nlog_handler = :INFO", nil, nil, "log_level = warn"},
		{"the root's alone", "log_handler = :WARNING", nil, nil, "log_handler = :WARNING"},
		{"that of another logger", "log_handler = odoo.http:ERROR,odoo.addons.base.models.res_userss:ERROR", nil, nil, ""},
		{"a longer name", "log_handler = odoo.addons:INFO,odoo:ERROR", nil, nil, ""},
		{"the later of one name", "log_handler = odoo:INFO,odoo:ERROR", nil, nil, "log_handler = odoo:INFO,odoo:ERROR"},
		{"a list of Python's", "log_handler = [':INFO', 'odoo:CRITICAL']", nil, nil, "log_handler"},
		{"the command's level", "log_level = info", []string{"odoo", "--log-level=error"}, nil, "--log-level error in the command of x"},
		{"the command's level, apart", "", []string{"odoo", "--log-level", "warn"}, nil, "--log-level warn"},
		{"the command's level cures", "log_level = warn", []string{"odoo", "--log-level=info"}, nil, ""},
		{"the command's handler", "", []string{"--log-handler=odoo.addons.base:WARNING"}, nil, "--log-handler"},
		{"the command's handler cures", "log_level = warn", []string{"--log-handler", "odoo.addons.base.models.res_users:INFO"}, nil, ""},
		{"nothing behind the last argument", "", []string{"odoo", "--log-level"}, nil, ""},
		{"the environment", "", nil, []string{"PATH=/bin", "LOG_LEVEL=warn"}, "LOG_LEVEL=warn in the environment of x"},
		{"the environment is below the file", "log_level = info", nil, []string{"LOG_LEVEL=warn"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s settings
			s.read(ini.Parse([]byte("[options]\n" + tt.conf))["options"], "odoo.conf")
			s.environment(tt.env, "x")
			s.arguments(tt.args, "x")
			if got := s.hide(); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("hidden by %q", got)
			}
		})
	}
}
