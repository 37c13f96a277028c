// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ways between host and guest; abi/library.hpp says what each of them is for.
//
// A thread's own stack at ThreadRecord::host_sp, the same wherever a guest of this activation stopped:
//
//   host_sp + 88  return address of anew_enter
//           + 80  rbp     + 72  rbx     + 64  r12     + 56  r13     + 48  r14     + 40  r15      of anew_enter's caller
//           + 32  host_sp + 24  guest_sp + 16  guest_fp                                of the activation around this one
//           +  8  the ThreadRecord
//           +  0  padding: host_sp is a multiple of 16
//
// The state is set before the kill flag is tested, here and wherever else a guest begins to run: whoever sets the flag
// and then looks at the state either stops the guest itself or knows that the guest will find the flag.

        .intel_syntax noprefix
        .text

#define kState 0
#define kKill 4
#define kHostSp 8
#define kGuestSp 16
#define kGuestFp 24
#define kStackTop 32
#define kTrapKind 40
#define kTrapIsFault 44
#define kTrapPc 48
#define kTrapFp 56
#define kTrapCell 72
#define kHostCalls 64

#define kCellThread -16
#define kCellHostFunctions -32

#define kHost 0
#define kGuest 1
#define kInterrupted 12
#define kUnhandledException 18

// Where the caller's registers are while rsp is host_sp.
        .macro cfi_at_host_sp
        .cfi_def_cfa rsp, 96
        .cfi_offset rbp, -16
        .cfi_offset rbx, -24
        .cfi_offset r12, -32
        .cfi_offset r13, -40
        .cfi_offset r14, -48
        .cfi_offset r15, -56
        .endm

// uint32_t anew_enter(record: rdi, cell: rsi, thunk: rdx, slots: rcx, entry: r8)
        .globl  anew_enter
        .hidden anew_enter
        .type   anew_enter, @function
        .p2align 4
anew_enter:
        .cfi_startproc
        endbr64
        push    rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        push    rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        push    r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        push    r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        push    r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        push    r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        push    qword ptr [rdi + kHostSp]
        .cfi_adjust_cfa_offset 8
        push    qword ptr [rdi + kGuestSp]
        .cfi_adjust_cfa_offset 8
        push    qword ptr [rdi + kGuestFp]
        .cfi_adjust_cfa_offset 8
        push    rdi
        .cfi_adjust_cfa_offset 8
        sub     rsp, 8
        .cfi_adjust_cfa_offset 8

        mov     [rdi + kHostSp], rsp
        mov     r13, rsi
        mov     [r13 + kCellThread], rdi
        mov     rsp, [rdi + kStackTop]
        // On the guest stack an unwinder finds nothing: it stops here.
        .cfi_remember_state
        .cfi_undefined rip
        mov     dword ptr [rdi + kState], kGuest
        cmp     dword ptr [rdi + kKill], 0
        jne     .Lkilled_at_entry
        mov     rdi, rcx
        mov     rsi, r8
        xor     ebp, ebp
        call    rdx

        mov     rdi, [r13 + kCellThread]
        mov     dword ptr [rdi + kState], kHost
        mov     rsp, [rdi + kHostSp]
        .cfi_restore_state
        xor     eax, eax
.Lexit:
        add     rsp, 8
        .cfi_adjust_cfa_offset -8
        pop     rdi
        .cfi_adjust_cfa_offset -8
        pop     qword ptr [rdi + kGuestFp]
        .cfi_adjust_cfa_offset -8
        pop     qword ptr [rdi + kGuestSp]
        .cfi_adjust_cfa_offset -8
        pop     qword ptr [rdi + kHostSp]
        .cfi_adjust_cfa_offset -8
        pop     r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        pop     r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        pop     r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        pop     r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        pop     rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        pop     rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        ret

        .cfi_undefined rip
.Lkilled_at_entry:
        // No guest function has run: there is no frame to report.
        mov     dword ptr [rdi + kTrapKind], kInterrupted
        mov     dword ptr [rdi + kTrapIsFault], 0
        mov     qword ptr [rdi + kTrapPc], 0
        mov     qword ptr [rdi + kTrapFp], 0
        mov     qword ptr [rdi + kTrapCell], 0
        jmp     anew_landing
        .cfi_endproc
        .size   anew_enter, . - anew_enter

// Resumed by a signal handler or jumped to below, with rdi = the ThreadRecord, on the guest stack.
        .globl  anew_landing
        .hidden anew_landing
        .type   anew_landing, @function
        .p2align 4
anew_landing:
        .cfi_startproc
        .cfi_undefined rip
        cld
        mov     dword ptr [rdi + kState], kHost
        mov     rsp, [rdi + kHostSp]
        mov     eax, [rdi + kTrapKind]
        jmp     .Lexit
        .cfi_endproc
        .size   anew_landing, . - anew_landing

// Called by compiled code, with eax = TrapKind. Never returns.
        .globl  anew_trap
        .hidden anew_trap
        .type   anew_trap, @function
        .p2align 4
anew_trap:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        mov     rdi, [r13 + kCellThread]
        mov     [rdi + kTrapKind], eax
        mov     dword ptr [rdi + kTrapIsFault], 0
        mov     rdx, [rsp]
        mov     [rdi + kTrapPc], rdx
        mov     [rdi + kTrapFp], rbp
        mov     [rdi + kTrapCell], r13
        jmp     anew_landing
        .cfi_endproc
        .size   anew_trap, . - anew_trap

// Called by compiled code, with rdi = an Exception. Goes on at its handler or traps; never returns.
        .globl  anew_throw
        .hidden anew_throw
        .type   anew_throw, @function
        .p2align 4
anew_throw:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        mov     rsi, r13
        mov     rdx, [rsp]
        mov     rcx, rbp
        mov     rbx, rdi
        sub     rsp, 24
        mov     r8, rsp
        call    anew_find_handler
        mov     rdx, [rsp]
        mov     rcx, [rsp + 8]
        add     rsp, 24
        test    rdx, rdx
        jz      .Lunhandled
        // A function with handlers finds the registers that it must preserve in its frame.
        mov     rax, rbx
        mov     rbp, rcx
        jmp     rdx
.Lunhandled:
        mov     eax, kUnhandledException
        jmp     anew_trap
        .cfi_endproc
        .size   anew_throw, . - anew_throw

// Called by an import's stub, with eax = index of the import and rdi = its slots.
        .globl  anew_call_host
        .hidden anew_call_host
        .type   anew_call_host, @function
        .p2align 4
anew_call_host:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        mov     rcx, [r13 + kCellThread]
        mov     [rcx + kGuestSp], rsp
        mov     [rcx + kGuestFp], rbp
        inc     qword ptr [rcx + kHostCalls]
        mov     dword ptr [rcx + kState], kHost
        mov     rsp, [rcx + kHostSp]
        // From here an unwinder goes on in anew_enter's caller, past the guest's frames.
        .cfi_remember_state
        .cfi_restore rip
        cfi_at_host_sp
        mov     rdx, rdi
        mov     rsi, r13
        mov     eax, eax
        shl     rax, 4
        add     rax, [r13 + kCellHostFunctions]
        mov     rdi, [rax + 8]
        call    [rax]
        mov     rcx, [r13 + kCellThread]
        mov     rsp, [rcx + kGuestSp]
        .cfi_restore_state
        mov     dword ptr [rcx + kState], kGuest
        test    eax, eax
        jnz     anew_trap
        cmp     dword ptr [rcx + kKill], 0
        jne     .Lkilled_after_host
        ret
.Lkilled_after_host:
        mov     eax, kInterrupted
        jmp     anew_trap
        .cfi_endproc
        .size   anew_call_host, . - anew_call_host

        .section .note.GNU-stack, "", @progbits
