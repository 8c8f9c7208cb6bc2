; SPDX-License-Identifier: Apache-2.0
; Instructions that the checks want to see fail.
global probe_undefined_instruction
global probe_load
global probe_call

section .text
bits 64
probe_undefined_instruction:            ; returns its argument, which the exception handler may have changed
        mov     rax, rdi
        ud2
        ret

probe_load:                             ; reads a byte; the page-fault handler continues at RBX
        push    rbx
        mov     rbx, .out
        mov     al, [rdi]
.out:
        pop     rbx
        ret

probe_call:                             ; jumps to its argument
        push    rbp
        mov     rbp, rsp
        call    rdi
        pop     rbp
        ret
