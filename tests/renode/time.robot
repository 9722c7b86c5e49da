*** Settings ***
Documentation     Virtual time: a busy second is 25 million instructions; an idle wallet executes none.
Resource          ${CURDIR}/wallets.resource
Suite Setup       Set Up The Suite
Suite Teardown    Tear Down The Suite
Test Setup        Set Up The Test
Test Teardown     Tear Down The Test
Test Timeout      6 minutes

*** Variables ***
# One instruction per SysTick count; the tolerance is the length of a translation block.
${BUSY_INSTRUCTIONS}    1250000
${TOLERANCE}            12500

*** Test Cases ***
A Busy Processor Executes One Instruction A SysTick Count
    [Tags]    needs_virtual_time
    Build A New Wallet    alice
    Connect Wires    alice
    Let Virtual Time Pass    0.05
    ${executed}=    Instructions Of    alice
    Should Be True    abs(${executed} - ${BUSY_INSTRUCTIONS}) <= ${TOLERANCE}
    ${seconds}=    Virtual Seconds Of    alice
    Should Be True    abs(${seconds} - 0.05) <= 0.001

A Waiting Wallet Sleeps
    Switch On A New Wallet    alice
    Picture Of    alice
    Execute Command    pause
    ${before}=    Instructions Of    alice
    Let Virtual Time Pass    1.0
    ${after}=    Instructions Of    alice
    Should Be True    ${after} - ${before} <= 0.2 * 25000000

The Counter Page And Renode Agree
    Switch On A New Wallet    alice
    Picture Of    alice
    Execute Command    pause
    Execute Command    jiaozi_refresh
    ${page}=    Counts Of    alice
    ${executed}=    Instructions Of    alice
    Should Be Equal As Integers    ${page}[instructions]    ${executed}
