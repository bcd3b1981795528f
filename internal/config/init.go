package config

import (
	_ "embed"
	"slices"
)

//go:embed init.yaml
var initYAML []byte

// Init returns a file to start with: every key with its default or an example,
// and what it means. It loads to [Default].
func Init() []byte { return slices.Clone(initYAML) }
