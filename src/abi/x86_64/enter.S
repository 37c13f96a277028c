// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ways between host and guest; abi/library.hpp says what each of them is for.
//
// A thread's own stack at ThreadRecord::host_sp, the same wherever a guest of this activation stopped:
//
//   host_sp + 56  return address of anew_enter
//           + 48  rbp     + 40  rbx     + 32  r12     + 24  r13     + 16  r14     +  8  r15      of anew_enter's caller
//           +  0  scratch, and padding: host_sp is a multiple of 16
//
// The state is set before the kill flag is tested, here and wherever else a guest begins to run: whoever sets the flag
// and then looks at the state either stops the guest itself or knows that the guest will find the flag.
//
// While the state is guest, a signal handler may send the thread to anew_landing from any instruction, wherever rsp
// points: host_sp is right before the state is set.

#include "abi/x86_64/offsets.h"

        .intel_syntax noprefix
        .text

// Where the caller's registers are while rsp is host_sp.
        .macro cfi_at_host_sp
        .cfi_def_cfa rsp, 64
        .cfi_offset rbp, -16
        .cfi_offset rbx, -24
        .cfi_offset r12, -32
        .cfi_offset r13, -40
        .cfi_offset r14, -48
        .cfi_offset r15, -56
        .endm

        .macro push_preserved register
        push    \register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endm
        .macro pop_preserved register
        pop     \register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endm

// Makes the picture above, with rdi = the ThreadRecord.
        .macro leave_host_stack
        push_preserved rbp
        push_preserved rbx
        push_preserved r12
        push_preserved r13
        push_preserved r14
        push_preserved r15
        sub     rsp, 8
        .cfi_adjust_cfa_offset 8
        mov     [rdi + ANEW_RECORD_HOST_SP], rsp
        .endm

// To anew_enter's caller, from host_sp + 16: r15 is taken care of.
        .macro return_to_host
        pop_preserved r14
        pop_preserved r13
        pop_preserved r12
        pop_preserved rbx
        pop_preserved rbp
        ret
        .endm

// From the host to a guest that left it, with rdi = the ThreadRecord and rsi = its stack pointer then.
        .macro enter_left_guest
        leave_host_stack
        mov     rsp, rsi
        .cfi_undefined rip
        mov     dword ptr [rdi + ANEW_RECORD_STATE], ANEW_STATE_GUEST
        cmp     dword ptr [rdi + ANEW_RECORD_KILL], 0
        jne     .Lkilled_at_entry
        .endm

// EnterResult anew_enter(record: rdi, cell: rsi, thunk: rdx, slots: rcx, entry: r8, stack_top: r9)
        .globl  anew_enter
        .hidden anew_enter
        .type   anew_enter, @function
        .p2align 4
anew_enter:
        .cfi_startproc
        leave_host_stack
        // The guest preserves them: a call that returns finds the way back without a load.
        mov     rbx, rsp
        mov     r12, rdi
        mov     r14, rcx
        mov     r13, rsi
        mov     [rsi + ANEW_CELL_THREAD], rdi
        mov     rsp, r9
        // On the guest stack an unwinder finds nothing: it stops here.
        .cfi_remember_state
        .cfi_undefined rip
        mov     dword ptr [rdi + ANEW_RECORD_STATE], ANEW_STATE_GUEST
        cmp     dword ptr [rdi + ANEW_RECORD_KILL], 0
        jne     .Lkilled_at_entry
        mov     rsi, r8
        xor     ebp, ebp
        call    rdx

        mov     dword ptr [r12 + ANEW_RECORD_STATE], ANEW_STATE_HOST
        mov     rsp, rbx
        .cfi_restore_state
        xor     eax, eax
        mov     rdx, r12
        // The guest has preserved r15 as well.
        add     rsp, 16
        .cfi_adjust_cfa_offset -16
        return_to_host

        .cfi_undefined rip
.Lkilled_at_entry:
        // No guest function has run: there is no frame to report.
        mov     dword ptr [rdi + ANEW_RECORD_TRAP_KIND], ANEW_TRAP_INTERRUPTED
        mov     dword ptr [rdi + ANEW_RECORD_TRAP_IS_FAULT], 0
        mov     qword ptr [rdi + ANEW_RECORD_TRAP_PC], 0
        mov     qword ptr [rdi + ANEW_RECORD_TRAP_FP], 0
        jmp     anew_landing
        .cfi_endproc
        .size   anew_enter, . - anew_enter

// EnterResult anew_resume(record: rdi, stack_pointer: rsi, status: edx)
//
// The guest stack at stack_pointer: r15 r14 r13 r12 rbp rbx, the return address into the import's stub.
        .globl  anew_resume
        .hidden anew_resume
        .type   anew_resume, @function
        .p2align 4
anew_resume:
        .cfi_startproc
        enter_left_guest
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        mov     eax, edx
        test    eax, eax
        jnz     anew_trap
        ret
        .cfi_endproc
        .size   anew_resume, . - anew_resume

// Resumed by a signal handler in place of compiled code, with all its registers and flags but rsp, in guest state. The
// stack then, and with what this pushes, from rsp on:
//
//   ymm0 ... ymm15, r15 ... r8 rdi rsi rbp rbx rdx rcx rax, flags, the ThreadRecord, where the code goes on
//
// and above them what the code may use below its stack pointer.
        .globl  anew_park
        .hidden anew_park
        .type   anew_park, @function
        .p2align 4
anew_park:
        .cfi_startproc
        .cfi_undefined rip
        pushfq
        cld
        .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        push    \register
        .endr
        mov     rdi, [rsp + ANEW_PARKED_GENERAL_BYTES + 8]
        sub     rsp, ANEW_PARKED_VECTOR_BYTES
        .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vmovups [rsp + 32 * \number], ymm\number
        .endr
        vzeroupper
        mov     [rdi + ANEW_RECORD_LEFT_STACK_POINTER], rsp
        // What a trap would tell, should the call be stopped before it has left.
        mov     dword ptr [rdi + ANEW_RECORD_TRAP_IS_FAULT], 1
        mov     rdx, [rsp + ANEW_PARKED_BYTES - 8]
        mov     [rdi + ANEW_RECORD_TRAP_PC], rdx
        mov     [rdi + ANEW_RECORD_TRAP_FP], rbp
        mov     dword ptr [rdi + ANEW_RECORD_TRAP_KIND], ANEW_PARKED
        jmp     anew_landing
        .cfi_endproc
        .size   anew_park, . - anew_park

// EnterResult anew_resume_parked(record: rdi, stack_pointer: rsi)
        .globl  anew_resume_parked
        .hidden anew_resume_parked
        .type   anew_resume_parked, @function
        .p2align 4
anew_resume_parked:
        .cfi_startproc
        enter_left_guest
        .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vmovups ymm\number, [rsp + 32 * \number]
        .endr
        add     rsp, ANEW_PARKED_VECTOR_BYTES
        .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
        pop     \register
        .endr
        popfq
        // Nothing that changes flags from here on.
        lea     rsp, [rsp + 8]
        ret     ANEW_RED_ZONE_BYTES
        .cfi_endproc
        .size   anew_resume_parked, . - anew_resume_parked

// Where the first function of a guest that was resumed returns to, with r13 = its cell.
        .globl  anew_return_resumed
        .hidden anew_return_resumed
        .type   anew_return_resumed, @function
        .p2align 4
anew_return_resumed:
        .cfi_startproc
        .cfi_undefined rip
        mov     rdi, [r13 + ANEW_CELL_THREAD]
        mov     dword ptr [rdi + ANEW_RECORD_TRAP_KIND], 0
        jmp     anew_landing
        .cfi_endproc
        .size   anew_return_resumed, . - anew_return_resumed

// Resumed by a signal handler or jumped to below, with rdi = the ThreadRecord, in guest state.
        .globl  anew_landing
        .hidden anew_landing
        .type   anew_landing, @function
        .p2align 4
anew_landing:
        .cfi_startproc
        .cfi_undefined rip
        // The first instruction: a signal handler knows by the address that the guest has been stopped already.
        mov     dword ptr [rdi + ANEW_RECORD_STATE], ANEW_STATE_HOST
        cld
        mov     rsp, [rdi + ANEW_RECORD_HOST_SP]
        .cfi_restore rip
        cfi_at_host_sp
        mov     eax, [rdi + ANEW_RECORD_TRAP_KIND]
        mov     rdx, rdi
        add     rsp, 8
        .cfi_adjust_cfa_offset -8
        pop_preserved r15
        return_to_host
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
        mov     rdi, [r13 + ANEW_CELL_THREAD]
        mov     [rdi + ANEW_RECORD_TRAP_KIND], eax
        mov     dword ptr [rdi + ANEW_RECORD_TRAP_IS_FAULT], 0
        mov     rdx, [rsp]
        mov     [rdi + ANEW_RECORD_TRAP_PC], rdx
        mov     [rdi + ANEW_RECORD_TRAP_FP], rbp
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
        // A Landing, 16-aligned: rsp was so before the call that pushed the return address.
        sub     rsp, ANEW_LANDING_BYTES + 8
        mov     r8, rsp
        call    anew_find_handler
        mov     rdx, [rsp + ANEW_LANDING_PC]
        mov     rcx, [rsp + ANEW_LANDING_FRAME]
        add     rsp, ANEW_LANDING_BYTES + 8
        test    rdx, rdx
        jz      .Lunhandled
        // A function with handlers finds the registers that it must preserve in its frame.
        mov     rax, rbx
        mov     rbp, rcx
        jmp     rdx
.Lunhandled:
        mov     eax, ecx
        jmp     anew_trap
        .cfi_endproc
        .size   anew_throw, . - anew_throw

// Called by compiled code, with r10 = FunctionReference of a function of another instance. A frame keeps the caller's cell
// pointer:
//
//   rbp + 8  where the function around it goes on
//       + 0  its rbp
//       - 8  its r13
//       -16  the callee's r13, for backtraces
//       -24  where the callee returns to: anew_return_to_cell
//
// Scratch are r10 and r11.
        .globl  anew_call_other
        .hidden anew_call_other
        .type   anew_call_other, @function
        .p2align 4
anew_call_other:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        push    rbp
        mov     rbp, rsp
        push    r13
        mov     r11, [r13 + ANEW_CELL_THREAD]
        mov     r13, [r10 + ANEW_REFERENCE_CELL]
        push    r13
        mov     [r13 + ANEW_CELL_THREAD], r11
        mov     r10, [r10 + ANEW_REFERENCE_ENTRY]
        call    [r10]
        .globl  anew_return_to_cell
        .hidden anew_return_to_cell
anew_return_to_cell:
        mov     r13, [rbp - 8]
        leave
        ret
        .cfi_endproc
        .size   anew_call_other, . - anew_call_other

// Jumped to by compiled code, with r10 = FunctionReference, rsp at the return address. The function that called the first
// of a chain of tail calls expects its own cell pointer back: a frame as anew_call_other's keeps it. The next in the chain
// finds that frame and needs none, so a chain takes no stack.
        .globl  anew_tail_call
        .hidden anew_tail_call
        .type   anew_tail_call, @function
        .p2align 4
anew_tail_call:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        lea     r11, [rip + anew_return_to_cell]
        cmp     [rsp], r11
        je      .Lframe_is_there
        push    rbp
        mov     rbp, rsp
        push    r13
        push    r13
        push    r11
.Lframe_is_there:
        mov     r11, [r13 + ANEW_CELL_THREAD]
        mov     r13, [r10 + ANEW_REFERENCE_CELL]
        mov     [rsp + 8], r13
        mov     [r13 + ANEW_CELL_THREAD], r11
        mov     r10, [r10 + ANEW_REFERENCE_ENTRY]
        jmp     [r10]
        .cfi_endproc
        .size   anew_tail_call, . - anew_tail_call

// Called by an import's stub, with eax = index of the import and rdi = its slots.
        .globl  anew_call_host
        .hidden anew_call_host
        .type   anew_call_host, @function
        .p2align 4
anew_call_host:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        push    rbx
        mov     rcx, [r13 + ANEW_CELL_THREAD]
        mov     rbx, rsp
        inc     qword ptr [rcx + ANEW_RECORD_HOST_CALLS]
        mov     [rcx + ANEW_RECORD_STUB_FRAME], rbp
        mov     dword ptr [rcx + ANEW_RECORD_STATE], ANEW_STATE_HOST
        mov     rsp, [rcx + ANEW_RECORD_HOST_SP]
        // From here an unwinder goes on in anew_enter's caller, past the guest's frames.
        .cfi_remember_state
        .cfi_restore rip
        cfi_at_host_sp
        mov     rdx, rdi
        mov     rsi, r13
        mov     eax, eax
        shl     rax, ANEW_HOST_FUNCTION_SHIFT
        add     rax, [r13 + ANEW_CELL_HOST_FUNCTIONS]
        mov     rdi, [rax + ANEW_HOST_FUNCTION_ENVIRONMENT]
        call    [rax + ANEW_HOST_FUNCTION_CALL]
        stmxcsr [rsp]
        mov     edx, [rsp]
        and     edx, ~ANEW_FLOAT_FLAGS
        cmp     edx, ANEW_GUEST_FLOAT_CONTROL
        jne     .Lforeign_float_control
.Lback_to_guest:
        mov     rcx, [r13 + ANEW_CELL_THREAD]
        mov     rsp, rbx
        .cfi_restore_state
        mov     dword ptr [rcx + ANEW_RECORD_STATE], ANEW_STATE_GUEST
        pop     rbx
        test    eax, eax
        jnz     .Lhost_did_not_return
        cmp     dword ptr [rcx + ANEW_RECORD_KILL], 0
        jne     .Lkilled_after_host
        ret
.Lhost_did_not_return:
        cmp     eax, ANEW_LEFT
        jne     anew_trap
        // As anew_resume expects it. What a trap would tell is told as well: the call may be stopped instead.
        mov     rdx, [rsp]
        mov     dword ptr [rcx + ANEW_RECORD_TRAP_IS_FAULT], 0
        mov     [rcx + ANEW_RECORD_TRAP_PC], rdx
        mov     [rcx + ANEW_RECORD_TRAP_FP], rbp
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [rcx + ANEW_RECORD_LEFT_STACK_POINTER], rsp
        mov     [rcx + ANEW_RECORD_TRAP_KIND], eax
        mov     rdi, rcx
        jmp     anew_landing
.Lkilled_after_host:
        mov     eax, ANEW_TRAP_INTERRUPTED
        jmp     anew_trap
        .cfi_restore rip
        cfi_at_host_sp
.Lforeign_float_control:
        mov     dword ptr [rsp], ANEW_GUEST_FLOAT_CONTROL
        ldmxcsr [rsp]
        jmp     .Lback_to_guest
        .cfi_endproc
        .size   anew_call_host, . - anew_call_host

        .section .note.GNU-stack, "", @progbits
