package pow

// GoEngines are plain Go engines with either SHA-256.
var GoEngines = map[string]func() Engine{
	"standard": func() Engine { return &goEngine{newStandardSum()} },
	"folded":   func() Engine { return &goEngine{new(foldedSum)} },
}

// Quota reads the quota of cgroups from a file system.
var Quota = quota
