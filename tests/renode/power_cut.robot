*** Settings ***
Documentation     Power cuts at a chosen NVM store of a payment; no value is lost or duplicated.
Resource          ${CURDIR}/wallets.resource
Suite Setup       Set Up The Suite
Suite Teardown    Tear Down The Suite
Test Setup        Set Up The Test
Test Teardown     Tear Down The Test
Test Timeout      6 minutes
Test Template     A Top-Up Is Cut At A Store And Finished Afterwards

*** Test Cases ***    STORE
At The First Store    1
In A Record           10
Deep In The Payment   40

*** Keywords ***
A Top-Up Is Cut At A Store And Finished Afterwards
    [Arguments]    ${store}
    Switch On A New Wallet    alice
    Provision    alice
    Top Up    alice    5.00
    Order A Power Cut At NVM Store    alice    ${store}
    Top Up Should Fail    alice    100.00
    Power Should Have Been Cut At That Store    alice
    Cut The Power Of    alice
    Switch On Again    alice
    Top Up    alice    100.00
    Balance Should Be    alice    105.00
    Sync Should Settle    alice
    Ledger Should Add Up
