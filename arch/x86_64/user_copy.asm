; SPDX-License-Identifier: Apache-2.0
; The instructions that touch user memory. Those that may fault stand between labels listed in arch_user_fixups: when
; the page-fault handler cannot help, execution goes on at the fix-up with all registers as they were. Plain 8-byte
; moves: they are near the best on silicon, and ten times faster than REP MOVSB in software emulation.

bits 64
default rel
section .text

; size_t arch_user_copy(void* to, const void* from, size_t bytes): how many bytes were NOT copied
global arch_user_copy
arch_user_copy:
        mov     rcx, rdx
        shr     rcx, 6
        jz      .words
.block:
.block_begin:
        mov     rax, [rsi]
        mov     r8, [rsi + 8]
        mov     r9, [rsi + 16]
        mov     r10, [rsi + 24]
        mov     [rdi], rax
        mov     [rdi + 8], r8
        mov     [rdi + 16], r9
        mov     [rdi + 24], r10
        mov     rax, [rsi + 32]
        mov     r8, [rsi + 40]
        mov     r9, [rsi + 48]
        mov     r10, [rsi + 56]
        mov     [rdi + 32], rax
        mov     [rdi + 40], r8
        mov     [rdi + 48], r9
        mov     [rdi + 56], r10
.block_end:
        add     rsi, 64
        add     rdi, 64
        sub     rdx, 64
        dec     rcx
        jnz     .block
.words:
        cmp     rdx, 8
        jb      .bytes
.word_begin:
        mov     rax, [rsi]
        mov     [rdi], rax
.word_end:
        add     rsi, 8
        add     rdi, 8
        sub     rdx, 8
        jmp     .words
; Also the fix-up of the loops above: finds the first bad byte exactly.
.bytes:
        test    rdx, rdx
        jz      .done
.byte_begin:
        mov     al, [rsi]
        mov     [rdi], al
.byte_end:
        inc     rsi
        inc     rdi
        dec     rdx
        jmp     .bytes
.done:
        mov     rax, rdx
        ret

; size_t arch_user_clear(void* to, size_t bytes): how many bytes were NOT cleared
global arch_user_clear
arch_user_clear:
        xor     eax, eax
.words:
        cmp     rsi, 8
        jb      .bytes
.word_begin:
        mov     [rdi], rax
.word_end:
        add     rdi, 8
        sub     rsi, 8
        jmp     .words
.bytes:
        test    rsi, rsi
        jz      .done
.byte_begin:
        mov     [rdi], al
.byte_end:
        inc     rdi
        dec     rsi
        jmp     .bytes
.done:
        mov     rax, rsi
        ret

; ssize_t arch_user_string(char* to, const char* from, size_t bytes): length without the zero byte; `bytes` if there is
; none among them; -1 for a bad address
global arch_user_string
arch_user_string:
        xor     eax, eax
.next:
        cmp     rax, rdx
        je      .done
.begin:
        mov     cl, [rsi + rax]
.end:
        mov     [rdi + rax], cl
        test    cl, cl
        jz      .done
        inc     rax
        jmp     .next
.bad:
        mov     rax, -1
.done:
        ret

; bool arch_user_load32(uint32_t* value, const uint32_t* from)
global arch_user_load32
arch_user_load32:
.begin:
        mov     eax, [rsi]
.end:
        mov     [rdi], eax
        mov     eax, 1
        ret

; bool arch_user_compare_exchange32(uint32_t* at, uint32_t* expected_then_found, uint32_t desired)
global arch_user_compare_exchange32
arch_user_compare_exchange32:
        mov     eax, [rsi]
.begin:
        lock cmpxchg [rdi], edx
.end:
        mov     [rsi], eax
        mov     eax, 1
        ret

; bool arch_user_touch_write(void* at): writes back what is there, atomically
global arch_user_touch_write
arch_user_touch_write:
.begin:
        lock or byte [rdi], 0
.end:
        mov     eax, 1
        ret

return_false:
        xor     eax, eax
        ret

; {first, one past the last, fix-up} addresses of instructions
section .rodata
align 8
global arch_user_fixups
global arch_user_fixups_end
arch_user_fixups:
        dq      arch_user_copy.block_begin, arch_user_copy.block_end, arch_user_copy.bytes
        dq      arch_user_copy.word_begin, arch_user_copy.word_end, arch_user_copy.bytes
        dq      arch_user_copy.byte_begin, arch_user_copy.byte_end, arch_user_copy.done
        dq      arch_user_clear.word_begin, arch_user_clear.word_end, arch_user_clear.bytes
        dq      arch_user_clear.byte_begin, arch_user_clear.byte_end, arch_user_clear.done
        dq      arch_user_string.begin, arch_user_string.end, arch_user_string.bad
        dq      arch_user_load32.begin, arch_user_load32.end, return_false
        dq      arch_user_compare_exchange32.begin, arch_user_compare_exchange32.end, return_false
        dq      arch_user_touch_write.begin, arch_user_touch_write.end, return_false
arch_user_fixups_end:
