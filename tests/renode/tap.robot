*** Settings ***
Documentation     Two wallets in one emulation pay each other, at the same cost as on QEMU.
Resource          ${CURDIR}/wallets.resource
Suite Setup       Set Up The Suite
Suite Teardown    Tear Down The Suite
Test Setup        Set Up The Test
Test Teardown     Tear Down The Test
Test Timeout      6 minutes

*** Variables ***
# Instructions on the critical path of a first tap, both wallets together.
${TAP_BUDGET}       9000000
# Phases with comparable counts. The others wait for bytes, whose timing differs, or allocate, and
# the heap's state differs between runs.
@{COMPUTING}        SIGN    VERIFY    HASH    ENCODE    COMMIT
${PERCENT}          0.5
${CLOCK}            25000000
${TAP_SECONDS}      5.0

*** Test Cases ***
Alice Pays Bob And Every Total Is Right
    Alice Has Money And Bob Asks For Some
    Hold Together    alice    bob
    Balance Should Be    alice    75.00
    Balance Should Be    bob    25.00
    Sync Should Settle    alice
    Sync Should Settle    bob
    Ledger Should Add Up

A Tap Costs The Instructions It Costs On QEMU
    Alice Has Money And Bob Asks For Some
    ${here}=    Hold Together    alice    bob
    ${there}=    Same Tap On QEMU    alice    bob    100.00    25.00
    Phases Should Agree    ${here}    ${there}    ${COMPUTING}    ${PERCENT}
    Should Be True    ${here}[instructions] <= ${TAP_BUDGET}
    Should Be Equal As Integers    ${here}[exchanges]    ${there}[exchanges]

A Tap Takes Little Virtual Time
    Alice Has Money And Bob Asks For Some
    ${before}=    Virtual Seconds Of    alice
    ${cost}=    Hold Together    alice    bob
    ${after}=    Virtual Seconds Of    alice
    Should Be True    ${after} - ${before} <= ${TAP_SECONDS}
    Should Be True    ${cost}[instructions] / ${CLOCK} / 2 <= ${after} - ${before}

*** Keywords ***
Alice Has Money And Bob Asks For Some
    Switch On Two Wallets
    Both Get Power
    Provision    alice
    Provision    bob
    Top Up    alice    100.00
    Arm To Receive    bob    25.00
