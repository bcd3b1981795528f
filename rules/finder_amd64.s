#include "textflag.h"

// FITS leaves in A which needles the byte in A fits, by the tables for its low
// and its high half. B is overwritten.
#define FITS(A, B, LOW, HIGH) \
	VPAND   Y6, A, B      \
	VPSRLW  $4, A, A      \
	VPAND   Y6, A, A      \
	VPSHUFB B, LOW, B     \
	VPSHUFB A, HIGH, A    \
	VPAND   B, A, A

// func scanAVX2(text *byte, n int, tables *[6][32]byte, fits *[32]byte) (at int, which uint32)
TEXT ·scanAVX2(SB), NOSPLIT, $0-44
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), DX
	MOVQ tables+16(FP), DI
	MOVQ fits+24(FP), R8

	VMOVDQU 0(DI), Y0
	VMOVDQU 32(DI), Y1
	VMOVDQU 64(DI), Y2
	VMOVDQU 96(DI), Y3
	VMOVDQU 128(DI), Y4
	VMOVDQU 160(DI), Y5

	MOVQ         $0x0f0f0f0f0f0f0f0f, AX
	VMOVQ        AX, X6
	VPBROADCASTQ X6, Y6

	XORL CX, CX
	XORL AX, AX
	SUBQ $34, DX

loop:
	CMPQ CX, DX
	JGT  done

	VMOVDQU 0(SI)(CX*1), Y7
	VMOVDQU 1(SI)(CX*1), Y8
	VMOVDQU 2(SI)(CX*1), Y9
	FITS(Y7, Y10, Y0, Y1)
	FITS(Y8, Y11, Y2, Y3)
	FITS(Y9, Y12, Y4, Y5)
	VPAND   Y8, Y7, Y7
	VPAND   Y9, Y7, Y7
	VPTEST  Y7, Y7
	JNZ     found
	ADDQ    $32, CX
	JMP     loop

found:
	VMOVDQU   Y7, (R8)
	VPXOR     Y8, Y8, Y8
	VPCMPEQB  Y8, Y7, Y7
	VPMOVMSKB Y7, AX
	NOTL      AX

done:
	VZEROUPPER
	MOVQ CX, at+32(FP)
	MOVL AX, which+40(FP)
	RET
