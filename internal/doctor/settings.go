package doctor

import (
	"fmt"
	"slices"
	"strings"

	"odooban/internal/ini"
)

// settings are Odoo's, as far as they matter here, with where each is from.
type settings struct {
	level    setting
	handlers []setting
	logfile  setting
	syslog   setting
	listDB   setting
}

// setting is the value of an option and where it stands.
type setting struct{ value, at string }

// on reports whether the value is one that Python takes for true.
func (s setting) on() bool {
	return slices.Contains([]string{"true", "1", "yes", "on"}, strings.ToLower(s.value))
}

// read takes the options of a file over those that are there.
func (s *settings) read(o ini.Options, file string) {
	take := func(to *setting, key string) {
		if value, ok := o[key]; ok {
			*to = setting{value, fmt.Sprintf("%s = %s in %s", key, value, file)}
		}
	}
	take(&s.level, "log_level")
	take(&s.logfile, "logfile")
	take(&s.syslog, "syslog")
	take(&s.listDB, "list_db")
	if value, ok := o["log_handler"]; ok {
		s.handle(value, fmt.Sprintf("log_handler = %s in %s", value, file))
	}
}

// arguments takes the options of a command line, which win over those of a file.
func (s *settings) arguments(args []string, of string) {
	for i, arg := range args {
		name, value, joined := strings.Cut(arg, "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		at := fmt.Sprintf("%s %s in the command of %s", name, value, of)
		switch name {
		case "--log-level":
			s.level = setting{value, at}
		case "--log-handler":
			s.handle(value, at)
		case "--logfile":
			s.logfile = setting{value, at}
		case "--syslog":
			s.syslog = setting{"true", at}
		case "--no-database-list":
			s.listDB = setting{"false", at}
		}
	}
}

// environment takes what images make options of. It does not win over a level
// that is there.
func (s *settings) environment(env []string, of string) {
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		at := fmt.Sprintf("%s in the environment of %s", variable, of)
		switch {
		case (name == "LOG_LEVEL" || name == "ODOO_LOG_LEVEL") && s.level.value == "":
			s.level = setting{value, at}
		case (name == "LOG_HANDLER" || name == "ODOO_LOG_HANDLER") && value != "":
			s.handle(value, at)
		}
	}
}

// handle takes a list of handlers like "odoo.http:DEBUG,:INFO".
func (s *settings) handle(list, at string) {
	for item := range strings.SplitSeq(list, ",") {
		s.handlers = append(s.handlers, setting{strings.Trim(item, " []'\"\n"), at})
	}
}

// hide says which setting hides failed logins, or nothing. Odoo sets the levels
// of loggers in an order (odoo/netsvc.py, init_logger): the root's INFO, what
// log_level stands for, then log_handler; the last for a name counts, and a
// longer name more than a shorter one.
func (s *settings) hide() string {
	const logger = "odoo.addons.base.models.res_users"
	items := []setting{{":INFO", ""}}
	if level, ok := levelNames()[strings.ToLower(s.level.value)]; ok {
		items = append(items, setting{"odoo:" + level, s.level.at})
	}
	items = append(items, s.handlers...)
	longest, hidden := -1, ""
	for _, item := range items {
		name, level, ok := strings.Cut(item.value, ":")
		if !ok || name != "" && name != logger && !strings.HasPrefix(logger, name+".") || len(name) < longest {
			continue
		}
		longest, hidden = len(name), ""
		if hides(level) {
			hidden = item.at
		}
	}
	return hidden
}

// levelNames gives what a log_level sets the logger "odoo" to, if anything.
func levelNames() map[string]string {
	return map[string]string{
		"debug": "DEBUG", "debug_rpc_answer": "DEBUG", "runbot": "RUNBOT",
		"warn": "WARNING", "warning": "WARNING", "error": "ERROR", "critical": "CRITICAL",
	}
}

// hides reports whether a level is above INFO. RUNBOT is between it and WARNING.
func hides(level string) bool {
	switch strings.ToUpper(strings.TrimSpace(level)) {
	case "RUNBOT", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL":
		return true
	}
	return false
}
