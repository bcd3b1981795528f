package rules

// ContainerLine is the line in an object of Docker's, if it is whole.
func ContainerLine(object []byte) (line []byte, whole bool) {
	var d dockerLog
	line, _, whole = d.unwrap(object, 0)
	return line, whole
}
