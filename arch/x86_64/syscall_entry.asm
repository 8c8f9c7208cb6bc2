; SPDX-License-Identifier: Apache-2.0
; SYSCALL from user mode, and the two ways back: SYSRET where nothing but rax, rcx and r11 may differ from what SYSRET
; makes of them, IRETQ for everything else. The CPU has cleared IF, TF, DF, NT, AC and RF (FMASK), and saved rip in rcx
; and rflags in r11; it has not touched rsp or the GS base. Until both are the kernel's, only exceptions with stacks of
; their own (NMI, #MC, #DF) can come, and they find out themselves whose GS base they see. #DB cannot: TF is masked and
; user code has no way to the debug registers.

%include "arch/x86_64/offsets.inc"

bits 64
default rel
section .text

extern arch_system_call

global arch_syscall_entry
arch_syscall_entry:
        swapgs
        mov     [gs:PERCPU_SCRATCH], rsp
        mov     rsp, [gs:PERCPU_KERNEL_STACK]
        push    USER_DATA_SELECTOR      ; ss
        push    qword [gs:PERCPU_SCRATCH] ; rsp
        push    r11                     ; rflags
        push    USER_CODE_SELECTOR      ; cs
        push    rcx                     ; rip
        push    rax                     ; error: the number of the call
        push    SYSCALL_VECTOR
        push    rdi
        push    rsi
        push    rdx
        push    rcx
        push    rax
        push    r8
        push    r9
        push    r10
        push    r11
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     rdi, rsp
        xor     ebp, ebp                ; backtraces end here
        call    arch_system_call        ; returns with interrupts disabled; al: SYSRET will do
        test    al, al
        jz      restore_and_iret
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        pop     r11                     ; rflags, as checked
        pop     r10
        pop     r9
        pop     r8
        pop     rax
        pop     rcx                     ; rip, as checked
        pop     rdx
        pop     rsi
        pop     rdi
        mov     rsp, [rsp + FRAME_RSP - FRAME_VECTOR]
        swapgs
        o64 sysret

; [[noreturn]] void arch_enter_user(TrapFrame* frame), interrupts disabled
global arch_enter_user
arch_enter_user:
        mov     rsp, rdi
restore_and_iret:
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rax
        pop     rcx
        pop     rdx
        pop     rsi
        pop     rdi
        add     rsp, FRAME_RIP - FRAME_VECTOR
        swapgs
        iretq
