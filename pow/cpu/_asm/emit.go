package main

import (
	"fmt"
	"strings"
)

var names = map[Code]string{
	Load: "load", Broadcast: "broadcast", Store: "store", Xor: "xor", And: "and", AndNot: "and not", Or: "or", Add: "add",
	Ternary: "ternary", RotateLeft: "rotate", ShiftLeft: "shift left", ShiftRight: "shift right", Shuffle: "shuffle",
	UnpackLow: "unpack low", UnpackHigh: "unpack high", AtMost: "at most", Above: "above", Rounds2: "two rounds",
	Schedule1: "schedule 1", Schedule2: "schedule 2", Align4: "align", SwapHalves: "swap halves", LoadLow: "load low",
	StoreLow: "store low", StoreHigh: "store high",
}

// mnemonic returns the name of the instruction in Go's assembler.
func (a *assigner) mnemonic(o *Op) string {
	letter := map[int]string{4: "D", 8: "Q"}[o.Elem]
	wide := "" // the form for vectors of 64 bytes says the size of elements
	if a.set.Three {
		wide = "Q"
	}
	switch o.Code {
	case Xor:
		return "VPXOR" + wide
	case And:
		return "VPAND" + wide
	case AndNot:
		return "VPANDN" + wide
	case Or:
		return "VPOR" + wide
	case Add:
		return "VPADD" + letter
	case Ternary:
		return "VPTERNLOG" + letter
	case RotateLeft:
		return "VPROL" + letter
	case ShiftLeft:
		return "VPSLL" + letter
	case ShiftRight:
		return "VPSRL" + letter
	case Shuffle:
		return "VPSHUFB"
	case UnpackLow:
		return "VPUNPCKLDQ"
	case UnpackHigh:
		return "VPUNPCKHDQ"
	case AtMost:
		return "VPCMPUQ"
	case Above:
		return "VPCMPGTQ"
	case Rounds2:
		return "SHA256RNDS2"
	case Schedule1:
		return "SHA256MSG1"
	case Schedule2:
		return "SHA256MSG2"
	case Align4:
		return "VPALIGNR"
	case SwapHalves:
		return "VPSHUFD"
	case LoadLow, StoreLow:
		return "VMOVQ"
	case StoreHigh:
		return "VMOVHPS"
	case Broadcast:
		return "VPBROADCAST" + letter
	}
	return a.mover()
}

func (a *assigner) mover() string {
	if a.set.Three {
		return "VMOVDQA64"
	}
	return "VMOVDQA"
}

func (a *assigner) move(from, to string) { a.emit(a.mover(), from, to) }

func (a *assigner) name(r int) string {
	return fmt.Sprintf("%s%d", map[int]string{16: "X", 32: "Y", 64: "Z"}[a.set.Width], r)
}

func (a *assigner) emit(name string, args ...string) {
	a.out = append(a.out, "\t"+name+" "+strings.Join(args, ", "))
}
