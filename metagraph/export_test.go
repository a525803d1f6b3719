package metagraph

// Decode and Encode read and write the content of a file that is not there.
var (
	Decode = decodeState
	Encode = (*Metagraph).encode
)
