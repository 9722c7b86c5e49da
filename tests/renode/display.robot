*** Settings ***
Documentation     Displays: the chips on the bus bridge show the same picture as on QEMU, dot for dot.
Resource          ${CURDIR}/wallets.resource
Suite Setup       Set Up The Suite
Suite Teardown    Tear Down The Suite
Test Setup        Set Up The Test
Test Teardown     Tear Down The Test
Test Timeout      6 minutes

*** Test Cases ***
The Visual Card's First Screen
    The First Screen Is That Of QEMU    visual_card

The Wearable's First Screen
    The First Screen Is That Of QEMU    wearable

A Key Press Reaches The Firmware
    [Documentation]    The bridge reports pin levels too: a key press wakes the wallet from idle.
    Switch On A New Wallet    alice
    Picture Of    alice
    ${before}=    Counts Of    alice
    Press    alice    ok
    Sleep    1s    virtual time goes no faster than this
    ${after}=    Counts Of    alice
    Should Be True    ${after}[work] > ${before}[work]

*** Keywords ***
The First Screen Is That Of QEMU
    [Arguments]    ${board}
    Switch On A New Wallet    alice    ${board}
    ${here}=    Picture Of    alice
    ${there}=    Picture On QEMU Of    alice
    Pictures Should Be Equal    ${here}    ${there}
    ${bytes}=    Display Traffic Of    alice
    Should Be True    ${bytes} > 1000
