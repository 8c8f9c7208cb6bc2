; SPDX-License-Identifier: Apache-2.0
; Switching kernel stacks: see context_switch.h. What a function may not change is pushed; everything else the compiler
; has saved already, since this is a call to it. prepare_stack() builds the same picture by hand.

bits 64
default rel
section .text

; void arch_switch_stack(uint64_t* save_stack_pointer, uint64_t stack_pointer)
global arch_switch_stack
arch_switch_stack:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [rdi], rsp
        mov     rsp, rsi
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret

; Where a new stack begins: r12 = function, r13 = its argument. rbp is 0, so that backtraces end here.
global arch_start_stack
arch_start_stack:
        mov     rdi, r13
        call    r12
        ud2                             ; the function of a thread does not return
