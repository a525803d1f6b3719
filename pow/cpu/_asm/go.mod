module github.com/bittensor-go/bt/pow/cpu/_asm

go 1.26.0
