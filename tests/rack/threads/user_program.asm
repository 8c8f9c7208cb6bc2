; SPDX-License-Identifier: Apache-2.0
; The user programs of the image, position-independent, in one blob that the image copies into user pages. Each begins
; at a label listed at the start of the blob. rdi, rsi, rdx: arguments. The stack is one page. A program ends with
; "done": rdi = 0, or the number of the check that failed.
; System calls (rax), as user_tests.cpp serves them: 0 done(code), 1 add_one(n), 2 nap(), 3 yield(), 4 change_frame(),
; 5 fork(), 6 signal_fpu(buffer, new_word), 7 count(), 8 return to an address that is not canonical.

bits 64
default rel

section .rodata
global user_program_begin
global user_program_end
align 16
user_program_begin:
        dq      registers - user_program_begin
        dq      vectors - user_program_begin
        dq      exceptions - user_program_begin
        dq      reader - user_program_begin
        dq      spin - user_program_begin
        dq      fork_vectors - user_program_begin
        dq      signal_vectors - user_program_begin
        dq      bad_return - user_program_begin
        dq      touch - user_program_begin
        dq      kernel_like_base - user_program_begin
        dq      call_many - user_program_begin

%macro FAIL_UNLESS 2                    ; condition suffix, number
        j%+1    %%good
        mov     edi, %2
        jmp     done
%%good:
%endmacro

%macro EXPECT 3                         ; register, 64-bit value, number; clobbers nothing but the stack below
        push    rax
        mov     rax, %2
        cmp     %1, rax
        pop     rax
        je      %%good
        mov     edi, %3
        jmp     done
%%good:
%endmacro

done:
        xor     eax, eax
        syscall
        ud2

; --- All registers survive every kind of system call: rdi = rounds, rsi = user address of a writable word -------------
registers:
        mov     [rsi], rdi
        mov     rbp, rsi                ; rbp: address of the counter
.round:
        mov     rbx, 0x1111111111111111
        mov     r12, 0x2222222222222222
        mov     r13, 0x3333333333333333
        mov     r14, 0x4444444444444444
        mov     r15, 0x5555555555555555
        mov     r8, 0x6666666666666666
        mov     r9, 0x7777777777777777
        mov     r10, 0x8888888888888888
        mov     rdx, 0x9999999999999999
        mov     rsi, 0xaaaaaaaaaaaaaaaa
        mov     rdi, 41
        mov     eax, 1
        stc
        syscall
.after:
        FAIL_UNLESS c, 101              ; flags
        EXPECT  rax, 42, 102
        push    rax
        lea     rax, [.after]
        cmp     rcx, rax
        pop     rax
        FAIL_UNLESS e, 103
        call    .check
        mov     eax, 2
        syscall
        EXPECT  rax, 0, 104
        call    .check
        mov     eax, 3
        syscall
        EXPECT  rax, 0, 105
        call    .check
        dec     qword [rbp]
        jnz     .round
        mov     eax, 4                  ; every register is changed by the handler
        syscall
        EXPECT  rbx, 0xb0b0, 106
        EXPECT  rcx, 0xc0c0, 107
        EXPECT  r11, 0xd0d0, 108
        EXPECT  r15, 0xe0e0, 109
        EXPECT  rax, 0xf0f0, 110
        xor     edi, edi
        jmp     done
.check:
        EXPECT  rbx, 0x1111111111111111, 111
        EXPECT  r12, 0x2222222222222222, 112
        EXPECT  r13, 0x3333333333333333, 113
        EXPECT  r14, 0x4444444444444444, 114
        EXPECT  r15, 0x5555555555555555, 115
        EXPECT  r8, 0x6666666666666666, 116
        EXPECT  r9, 0x7777777777777777, 117
        EXPECT  r10, 0x8888888888888888, 118
        EXPECT  rdx, 0x9999999999999999, 119
        EXPECT  rsi, 0xaaaaaaaaaaaaaaaa, 120
        EXPECT  rdi, 41, 121
        ret

; --- Vector registers, x87, FS and GS bases and general registers survive preemption ----------------------------------
; rdi = seed, rsi = rounds, rdx = bit 0: AVX, bit 1: FSGSBASE
vectors:
        mov     r12, rdi
        mov     r13, rsi
        mov     r14, rdx
        sub     rsp, 16 * 32
        mov     rax, r12
        mov     ecx, 16 * 4
        mov     rbx, rsp
.fill:
        imul    rax, rax, 0x5deece6
        add     rax, 11
        mov     [rbx], rax
        add     rbx, 8
        loop    .fill
        mov     [rsp - 8], r12
        fninit
        fild    qword [rsp - 8]
        test    r14, 1
        jz      .load_sse
%assign n 0
%rep 16
        vmovdqu ymm%+n, [rsp + n * 32]
%assign n n + 1
%endrep
        jmp     .loaded
.load_sse:
%assign n 0
%rep 16
        movdqu  xmm%+n, [rsp + n * 32]
%assign n n + 1
%endrep
.loaded:
        test    r14, 2
        jz      .round
        mov     rax, r12
        shl     rax, 12
        wrfsbase rax
        shl     rax, 4
        wrgsbase rax
.round:
        test    r14, 1
        jz      .check_sse
        ; ymm0 is the scratch of the comparison; it is checked first and loaded again after
%assign n 0
%rep 16
        sub     rsp, 32
        vmovdqu [rsp], ymm%+n
        mov     rax, [rsp]
        cmp     rax, [rsp + 32 + n * 32]
        jne     .bad_vector
        mov     rax, [rsp + 8]
        cmp     rax, [rsp + 32 + n * 32 + 8]
        jne     .bad_vector
        mov     rax, [rsp + 16]
        cmp     rax, [rsp + 32 + n * 32 + 16]
        jne     .bad_vector
        mov     rax, [rsp + 24]
        cmp     rax, [rsp + 32 + n * 32 + 24]
        jne     .bad_vector
        add     rsp, 32
%assign n n + 1
%endrep
        jmp     .check_rest
.check_sse:
%assign n 0
%rep 16
        sub     rsp, 32
        movdqu  [rsp], xmm%+n
        mov     rax, [rsp]
        cmp     rax, [rsp + 32 + n * 32]
        jne     .bad_vector
        mov     rax, [rsp + 8]
        cmp     rax, [rsp + 32 + n * 32 + 8]
        jne     .bad_vector
        add     rsp, 32
%assign n n + 1
%endrep
.check_rest:
        test    r14, 2
        jz      .bases_checked
        rdfsbase rax
        mov     rbx, r12
        shl     rbx, 12
        cmp     rax, rbx
        FAIL_UNLESS e, 202
        rdgsbase rax
        shl     rbx, 4
        cmp     rax, rbx
        FAIL_UNLESS e, 203
.bases_checked:
        mov     rdi, r13
        and     rdi, 255
        jnz     .no_call
        mov     eax, 7
        syscall
.no_call:
        dec     r13
        jnz     .round
        fistp   qword [rsp - 8]
        cmp     [rsp - 8], r12
        FAIL_UNLESS e, 204
        xor     edi, edi
        jmp     done
.bad_vector:
        mov     edi, 201
        jmp     done

; --- Exceptions: the hook puts vector, error code and address into r12, r13, r14 and goes on at rbx -------------------
; rdi = address of a page that may only be read, rsi = an address where nothing is mapped
exceptions:
        mov     r8, rdi
        mov     r9, rsi
        lea     rbx, [.after_ud]
        ud2
.after_ud:
        EXPECT  r12, 6, 301
        lea     rbx, [.after_de]
        xor     edx, edx
        mov     eax, 1
        xor     ecx, ecx
        div     ecx
.after_de:
        EXPECT  r12, 0, 302
        lea     rbx, [.after_read]
        mov     rax, [r9]
.after_read:
        EXPECT  r12, 14, 303
        EXPECT  r13, 4, 304             ; user, read, not present
        EXPECT  r14, r9, 305
        lea     rbx, [.after_write]
        mov     byte [r8 + 5], 1
.after_write:
        EXPECT  r12, 14, 306
        EXPECT  r13, 7, 307             ; user, write, present
        lea     rax, [r8 + 5]
        cmp     r14, rax
        FAIL_UNLESS e, 308
        lea     rbx, [.after_execute]
        jmp     r8
.after_execute:
        EXPECT  r12, 14, 309
        EXPECT  r13, 21, 310            ; user, fetch, present
        EXPECT  r14, r8, 311
        lea     rbx, [.after_kernel]
        mov     rax, 0xffffffff80000000
        mov     rax, [rax]
.after_kernel:
        EXPECT  r12, 14, 312
        lea     rbx, [.after_privileged]
        hlt
.after_privileged:
        EXPECT  r12, 13, 313
        EXPECT  r13, 0, 314
        lea     rbx, [.after_int80]
        int     0x80
.after_int80:
        EXPECT  r12, 13, 315
        cmp     r13, 0x802              ; QEMU's emulation multiplies the vector by 16 in 64-bit mode
        je      .int80_good
        EXPECT  r13, 0x402, 316
.int80_good:
        lea     rbx, [.after_noncanonical]
        mov     rax, 0x8000000000000000
        mov     rax, [rax]
.after_noncanonical:
        EXPECT  r12, 13, 317
        lea     rbx, [.after_int3]
        int3
.after_int3:
        EXPECT  r12, 3, 318
        lea     rbx, [.after_step]
        pushfq
        or      qword [rsp], 0x100
        popfq
        nop
.after_step:
        EXPECT  r12, 1, 319
        lea     rbx, [.after_xm]
        xor     r12, r12
        push    0x1f00                  ; division by zero is not masked
        ldmxcsr [rsp]
        pop     rax
        pxor    xmm0, xmm0
        mov     eax, 1
        cvtsi2ss xmm1, eax
        divss   xmm1, xmm0
.after_xm:
        test    r12, r12                ; QEMU's emulation never raises #XM
        jz      .xm_good
        EXPECT  r12, 19, 320
.xm_good:
        push    0x1f80
        ldmxcsr [rsp]
        pop     rax
        lea     rbx, [.after_mf]
        fninit
        push    0x37b                   ; division by zero is not masked
        fldcw   [rsp]
        pop     rax
        fld1
        fldz
        fdivp
        fwait
.after_mf:
        EXPECT  r12, 16, 321
        fninit
        lea     rbx, [.after_sysenter]
        sysenter
.after_sysenter:
        cmp     r12, 13                 ; #GP, or #UD where the CPU does not have it in this mode
        je      .sysenter_good
        cmp     r12, 6
        FAIL_UNLESS e, 322
.sysenter_good:
        lea     rbx, [.after_stack]
        mov     rbp, rsp
        mov     rsp, 0x8000000000000000
        push    rax
.after_stack:
        mov     rsp, rbp
        cmp     r12, 13                 ; QEMU's emulation says #GP
        je      .stack_good
        EXPECT  r12, 12, 323
.stack_good:
        ; System calls do not see DF or NT, and they come back.
        std
        mov     edi, 1
        mov     eax, 1
        syscall
        pushfq
        pop     rcx
        cld
        test    ecx, 0x400
        FAIL_UNLESS nz, 324
        EXPECT  rax, 2, 325
        xor     edi, edi
        jmp     done

; --- Reads what the kernel changes: rdi = page whose frame changes, rsi = word with the least value that may be read --
reader:
        mov     rax, [rsi]
        mov     rdx, [rdi]
        cmp     rax, -1
        je      .over
        cmp     rdx, rax
        jae     reader
        mov     edi, 401
        jmp     done
.over:
        xor     edi, edi
        jmp     done

; --- Until somebody kills it: rdi = word that is counted up -----------------------------------------------------------
spin:
        inc     qword [rdi]
        jmp     spin

; --- fork copies the vector registers and all others: rax = 0 in the child --------------------------------------------
fork_vectors:
        mov     rax, 0x0123456789abcdef
        movq    xmm7, rax
        mov     r15, 0x7654321076543210
        mov     eax, 5
        syscall
        mov     r14, rax
        movq    rbx, xmm7
        EXPECT  rbx, 0x0123456789abcdef, 601
        EXPECT  r15, 0x7654321076543210, 602
        test    r14, r14
        jnz     .parent
        mov     rax, 0x1111             ; the child's own
        movq    xmm7, rax
        mov     eax, 3
        syscall
        movq    rbx, xmm7
        EXPECT  rbx, 0x1111, 603
        xor     edi, edi
        jmp     done
.parent:
        mov     eax, 2
        syscall
        movq    rbx, xmm7
        EXPECT  rbx, 0x0123456789abcdef, 604
        xor     edi, edi
        jmp     done

; --- The handler of call 6 writes a signal frame's vector state to rdi, replaces xmm5 there by rsi, and takes it back.
; rdx bit 0: AVX -------------------------------------------------------------------------------------------------------
signal_vectors:
        mov     r12, rdx
        mov     rax, 0x1212121212121212
        movq    xmm5, rax
        movq    xmm4, rax
        test    r12, 1
        jz      .call
        vpbroadcastq ymm3, xmm4
.call:
        mov     rsi, 0x3434343434343434
        mov     eax, 6
        syscall
        EXPECT  rax, 0, 701
        movq    rbx, xmm5
        EXPECT  rbx, 0x3434343434343434, 702
        movq    rbx, xmm4
        EXPECT  rbx, 0x1212121212121212, 703
        test    r12, 1
        jz      .over
        vextracti128 xmm2, ymm3, 1
        movq    rbx, xmm2
        EXPECT  rbx, 0x1212121212121212, 704
.over:
        xor     edi, edi
        jmp     done

; --- The handler of call 8 sends this thread to an address that is not canonical -----------------
bad_return:
        lea     rbx, [.after]
        mov     eax, 8
        syscall
        ud2
.after:
        EXPECT  r12, 14, 801
        mov     rax, 0x7ffffffff000
        cmp     r14, rax
        FAIL_UNLESS e, 802
        xor     edi, edi
        jmp     done

; --- Touches rsi pages from rdi on: each fault is served by the page-fault handler ------------------------------------
touch:
        mov     byte [rdi], 1
        add     rdi, 4096
        dec     rsi
        jnz     touch
        xor     edi, edi
        jmp     done

; --- With a GS base that looks like the kernel's (FSGSBASE lets a user set it): system calls until the word at rdi is
; not 0, as many as come under NMIs -----------------------------------------------------------------------------------
kernel_like_base:
        mov     r12, rdi
        mov     r13, 0xffff800000001000
        wrgsbase r13
.again:
        mov     edi, 7
        mov     eax, 1
        syscall
        EXPECT  rax, 8, 901
        rdgsbase rax
        cmp     rax, r13
        FAIL_UNLESS e, 902
        cmp     qword [r12], 0
        je      .again
        xor     edi, edi
        jmp     done

; --- rdi system calls ------------------------------------------------------------------------------------------------
call_many:
        mov     r12, rdi
.again:
        mov     eax, 7
        syscall
        dec     r12
        jnz     .again
        xor     edi, edi
        jmp     done
user_program_end:
